"""The sentences that the service and the clients share, in English. `make texts` writes this file.

Do not edit it: change clients/texts.json.
"""
# ruff: noqa: E501

SENTENCES = {
    "disclaimer": "Not a medical device. For research and teaching only. Do not use this answer to diagnose or treat anyone.",
    "warning.shortcut_flagged": "The audit found that this model can tell where a picture came from. Its answer may reflect the source of the picture rather than disease.",
    "warning.unfamiliar_source": "This picture is unlike those that the model learned from. How well it answers about such pictures is not known.",
    "warning.outside_lungs": "Much of this answer comes from outside the lungs. Look at the heat map before you trust it.",
    "warning.near_threshold": "This answer is close to the threshold. A slightly different picture could change it.",
    "warning.not_commissioned": "This model was not tested on patients of the place where it is used. How well it answers here is not known.",
    "error.no_network": "The server cannot be reached. Check this device's network connection, then try again.",
    "error.wrong_address": "There is no X-ray service at this address. Check the server address in the settings.",
    "error.timeout": "The server did not answer in time. Try again in a moment.",
    "error.bad_request": "The server could not read the request. Choose the picture again; if this keeps happening, update the app or the server.",
    "error.unauthorised": "The server did not accept the API key. Enter the key that you were given in the settings.",
    "error.too_large": "The picture is too large for the server. Choose a smaller one.",
    "error.not_a_picture": "The file is not a picture that the server can read. Choose a JPEG, PNG, WebP, HEIC, AVIF, BMP, TIFF or DICOM file.",
    "error.invalid_field": "The server did not accept the picture. Choose another one; if this keeps happening, update the app or the server.",
    "error.overloaded": "The server is busy or still starting. Wait a little, then try again.",
    "error.unsound_answer": "The server's model gave no sound answer, so none is shown. Tell the person who runs the server.",
    "error.not_for_use": "The acceptance test says that this model is not for use at this site, so no picture is classified. Tell the person who runs the server.",
    "error.commissioning_expired": "The acceptance test of this model at this site is out of date, so no picture is classified. Tell the person who runs the server.",
    "error.server": "The server failed while it handled the picture. Try again; if it keeps failing, tell the person who runs the server.",
    "error.certificate": "The server's certificate could not be verified, so nothing was sent. Check the server address, and that this device's date is right.",
    "error.broken_answer": "The server's answer could not be understood. Check that the address belongs to a covid-cxr service, then try again.",
    "refusal.not_frontal": "This does not look like a frontal chest X-ray. Choose a PA or AP view.",
    "refusal.not_xray": "This does not look like a chest X-ray. Choose a picture of one.",
    "refusal.blank": "The picture is blank or has almost no contrast. Choose another one.",
    "refusal.exposure": "The picture is almost all dark or almost all bright. Export it again with its grey levels, or choose another one.",
    "refusal.inverted": "The picture looks inverted: the bones are dark. Choose one in which the bones are white.",
    "refusal.lateral": "This looks like a lateral view, taken from the side. Choose a frontal (PA or AP) view.",
    "refusal.ct": "This looks like a CT slice. Choose a plain chest X-ray.",
}
