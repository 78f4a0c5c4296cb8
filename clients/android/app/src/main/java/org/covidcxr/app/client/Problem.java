package org.covidcxr.app.client;

import java.io.Serializable;

/** A failure together with what the server said about it. */
public final class Problem implements Serializable {
    private static final long serialVersionUID = 1L;

    private final Failure failure;
    private final String serverMessage;
    private final int retryAfterS;

    public Problem(Failure failure) {
        this(failure, "", 0);
    }

    Problem(Failure failure, String serverMessage, int retryAfterS) {
        this.failure = failure;
        this.serverMessage = serverMessage;
        this.retryAfterS = retryAfterS;
    }

    public Failure failure() {
        return failure;
    }

    /** The server's own words, possibly empty. */
    public String serverMessage() {
        return serverMessage;
    }

    /** Seconds that the server asks to wait; 0 if it does not. */
    public int retryAfterS() {
        return retryAfterS;
    }
}
