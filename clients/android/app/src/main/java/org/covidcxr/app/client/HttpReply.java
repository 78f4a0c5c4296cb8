package org.covidcxr.app.client;

import java.nio.charset.StandardCharsets;

/** What came back over HTTP, of whatever status. */
final class HttpReply {
    final int status;
    final String text;
    /** Seconds; 0 if the server does not ask to wait. */
    final int retryAfterS;

    HttpReply(int status, byte[] body, String retryAfter) {
        this.status = status;
        this.text = new String(body, StandardCharsets.UTF_8);
        this.retryAfterS = seconds(retryAfter);
    }

    /** The header may also be a date; such a server is asked again without a promised time. */
    private static int seconds(String retryAfter) {
        try {
            return retryAfter == null ? 0 : Math.max(0, Integer.parseInt(retryAfter.trim()));
        } catch (NumberFormatException date) {
            return 0;
        }
    }
}
