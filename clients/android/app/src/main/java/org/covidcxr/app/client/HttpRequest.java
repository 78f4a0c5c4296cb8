package org.covidcxr.app.client;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** One request, whole and in memory, so that it can be sent a second time. */
final class HttpRequest {
    final String method;
    final String route;
    /** UTF-8 JSON; null for a request without a body. */
    final byte[] body;

    private HttpRequest(String method, String route, byte[] body) {
        this.method = method;
        this.route = route;
        this.body = body;
    }

    static HttpRequest get(String route) {
        return new HttpRequest("GET", route, null);
    }

    static HttpRequest predict(byte[] picture, boolean explain) {
        // Written by hand: Base64 needs no escaping, while org.json would turn each of its slashes into two bytes.
        String json = "{\"image\":\"" + Base64.getEncoder().encodeToString(picture) + "\",\"explain\":" + explain + "}";
        return new HttpRequest("POST", "predict", json.getBytes(StandardCharsets.US_ASCII));
    }
}
