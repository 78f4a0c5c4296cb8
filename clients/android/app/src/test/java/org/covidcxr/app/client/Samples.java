package org.covidcxr.app.client;

/** Answers as the service gives them. */
final class Samples {
    static final byte[] PICTURE = {(byte) 0xff, (byte) 0xd8, 0, 1, 2, (byte) 0xff, (byte) 0xd9};

    static final String COVID = "{\"state\": \"COVID\", \"percentage\": 97.12,"
            + " \"probabilities\": {\"NonCOVID\": 0.0288, \"COVID\": 0.9712}, \"threshold\": 0.62,"
            + " \"warnings\": [{\"code\": \"shortcut_flagged\", \"message\": \"The audit flagged this model.\"}],"
            + " \"heatmap\": \"data:image/png;base64,iVBORw0KGgo=\","
            + " \"model\": {\"name\": \"covid-cxr\", \"version\": \"7\", \"backbone\": \"inceptionv3\"}}";

    static final String REFUSED = "{\"state\": \"Refused\", \"percentage\": null, \"probabilities\": null,"
            + " \"warnings\": [], \"reason\": {\"code\": \"not_frontal\", \"message\": \"A lateral view.\"},"
            + " \"model\": {\"name\": \"covid-cxr\", \"version\": \"7\", \"backbone\": \"inceptionv3\"}}";

    static final String MODEL = "{\"name\": \"covid-cxr\", \"version\": 7, \"backbone\": \"inceptionv3\","
            + " \"sensitivity\": 0.95, \"trained_on\": {\"patients\": 1200}}";

    private Samples() {}

    static String error(String code, String message) {
        return "{\"error\": {\"code\": \"" + code + "\", \"message\": \"" + message + "\"}}";
    }
}
