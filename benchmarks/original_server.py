"""Serve the original's way, for comparison: Flask's development server, Keras' `model.predict`, one request at a time.

python benchmarks/original_server.py PORT
"""

import base64
import io
import sys

import keras
import numpy as np
from flask import Flask, jsonify, request
from PIL import Image

IMAGE_SIZE = 224
LABELS = ("NonCOVID", "COVID")

app = Flask(__name__)


def build() -> keras.Model:
    """The original's head on InceptionV3, with random weights: only time is measured."""
    base = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3))
    hidden = keras.layers.Dropout(0.5)(keras.layers.Flatten()(base.output))
    return keras.Model(base.input, keras.layers.Dense(2, activation="softmax")(hidden))


@app.get("/readyz")
def ready() -> str:
    return "\n"


@app.post("/sendbase64")
def sendbase64():
    text = request.get_json()["pic"].partition(",")[2]
    picture = Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE))
    scores = model.predict(np.asarray(picture, np.float32)[None] / 255, verbose=0)[0]
    return jsonify({"percentage": f"{100 * scores.max():.2f}% {LABELS[int(scores.argmax())]}"})


if __name__ == "__main__":
    model = build()
    model.predict(np.zeros((1, IMAGE_SIZE, IMAGE_SIZE, 3), np.float32), verbose=0)  # as fair as our own warm-up
    app.run(port=int(sys.argv[1]), threaded=False)
