package org.covidcxr.app.client;

/** Everything that can go wrong between a picture and its answer. Each has one sentence that says what to do. */
public enum Failure {
    NO_NETWORK("error.no_network"),
    WRONG_ADDRESS("error.wrong_address"),
    TIMEOUT("error.timeout"),
    BAD_REQUEST("error.bad_request"),
    UNAUTHORISED("error.unauthorised"),
    TOO_LARGE("error.too_large"),
    NOT_A_PICTURE("error.not_a_picture"),
    INVALID_FIELD("error.invalid_field"),
    OVERLOADED("error.overloaded"),
    SERVER("error.server"),
    UNSOUND_ANSWER("error.unsound_answer"),
    NOT_FOR_USE("error.not_for_use"),
    COMMISSIONING_EXPIRED("error.commissioning_expired"),
    CERTIFICATE("error.certificate"),
    BROKEN_ANSWER("error.broken_answer"),
    NO_ADDRESS("app.no_address"),
    UNREADABLE_PICTURE("app.unreadable_picture"),
    NO_PHOTO("app.no_photo"),
    NO_CAMERA("app.no_camera"),
    NO_GALLERY("app.no_gallery");

    private final String textId;

    Failure(String textId) {
        this.textId = textId;
    }

    /** The id of its sentence in clients/texts.json, or {@code app.…} for one that only this app needs. */
    public String textId() {
        return textId;
    }

    /** Whether the server's own words name what our sentence cannot: which field, how many bytes. */
    public boolean isAboutTheRequest() {
        switch (this) {
            case BAD_REQUEST:
            case TOO_LARGE:
            case NOT_A_PICTURE:
            case INVALID_FIELD:
                return true;
            default:
                return false;
        }
    }

    /** Whether the settings are the place to mend it. */
    public boolean isMendedInSettings() {
        switch (this) {
            case WRONG_ADDRESS:
            case UNAUTHORISED:
            case CERTIFICATE:
            case BROKEN_ANSWER:
            case NO_ADDRESS:
                return true;
            default:
                return false;
        }
    }
}
