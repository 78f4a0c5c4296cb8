package org.covidcxr.app.client;

/** How long to wait for a connection, and for the next byte of an answer. */
public final class Timeouts {
    /** A prediction takes about a second; the rest is for a slow network and a queue at the server. */
    public static final Timeouts DEFAULT = new Timeouts(10_000, 30_000);

    final int connectMs;
    final int readMs;

    Timeouts(int connectMs, int readMs) {
        this.connectMs = connectMs;
        this.readMs = readMs;
    }
}
