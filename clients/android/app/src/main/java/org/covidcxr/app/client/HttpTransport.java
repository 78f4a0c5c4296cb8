package org.covidcxr.app.client;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;

/** Sends requests to one address; can be cancelled from another thread. */
final class HttpTransport {
    /** Ample for a heat map; a server that sends more is not ours. */
    static final int MAX_REPLY_BYTES = 8 * 1024 * 1024;

    private static final int RECHECK_MS = 50;

    private final ServerAddress address;
    private final String apiKey;
    private final Timeouts timeouts;
    private HttpURLConnection current;
    private boolean cancelled;

    HttpTransport(ServerAddress address, String apiKey, Timeouts timeouts) {
        this.address = address;
        this.apiKey = apiKey;
        this.timeouts = timeouts;
    }

    HttpReply send(HttpRequest request) throws IOException {
        HttpURLConnection connection = open(request);
        try {
            if (request.body != null) {
                try (OutputStream out = connection.getOutputStream()) {
                    out.write(request.body);
                }
            }
            int status = connection.getResponseCode();
            return new HttpReply(status, bodyOf(connection, status), connection.getHeaderField("Retry-After"));
        } finally {
            connection.disconnect();
            unregister();
        }
    }

    private HttpURLConnection open(HttpRequest request) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) address.endpoint(request.route).openConnection();
        connection.setConnectTimeout(timeouts.connectMs);
        connection.setReadTimeout(timeouts.readMs);
        // A redirect would carry picture and key to an address that the user never agreed to.
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setRequestMethod(request.method);
        connection.setRequestProperty("Accept", "application/json");
        // The default one names the phone's make and build.
        connection.setRequestProperty("User-Agent", "covid-cxr-android");
        if (!apiKey.isEmpty()) {
            connection.setRequestProperty(ApiKey.HEADER, apiKey);
        }
        if (request.body != null) {
            connection.setDoOutput(true);
            connection.setRequestProperty("Content-Type", "application/json");
            // With a fixed length the platform never sends the body again by itself: retrying is our decision.
            connection.setFixedLengthStreamingMode(request.body.length);
        }
        register(connection);
        return connection;
    }

    private static byte[] bodyOf(HttpURLConnection connection, int status) throws IOException {
        try (InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            if (in == null) {
                return new byte[0];
            }
            byte[] body = Bytes.readAll(in, MAX_REPLY_BYTES);
            // Not every platform notices by itself that an answer broke off.
            if (body.length < connection.getContentLengthLong()) {
                throw new EOFException("got " + body.length + " of " + connection.getContentLengthLong() + " bytes");
            }
            return body;
        }
    }

    private synchronized void register(HttpURLConnection connection) throws CancelledException {
        if (cancelled) {
            throw new CancelledException();
        }
        current = connection;
    }

    private synchronized void unregister() {
        current = null;
        notifyAll();
    }

    /**
     * Breaks off what is under way, and refuses all that would follow. Touches the network and waits: not for a UI
     * thread.
     */
    void cancel() {
        try {
            for (HttpURLConnection open = refuse(); open != null; open = stillOpen()) {
                open.disconnect();
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized HttpURLConnection refuse() {
        cancelled = true;
        return current;
    }

    /** Disconnecting does nothing before there is a socket, and platforms then open one: so look again. */
    private synchronized HttpURLConnection stillOpen() throws InterruptedException {
        if (current != null) {
            wait(RECHECK_MS);
        }
        return current;
    }

    synchronized boolean isCancelled() {
        return cancelled;
    }

    /** Our side hung up. */
    static final class CancelledException extends IOException {
        private static final long serialVersionUID = 1L;
    }
}
