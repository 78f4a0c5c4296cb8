package org.covidcxr.app.client;

import java.io.Serializable;

/** A warning or a reason: a code that the app may know words for, and the server's own words. */
public final class Notice implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String code;
    private final String message;

    Notice(String code, String message) {
        this.code = code;
        this.message = message;
    }

    public String code() {
        return code;
    }

    /** Possibly empty. */
    public String message() {
        return message;
    }

    @Override
    public String toString() {
        return message.isEmpty() || message.equals(code) ? code : code + ": " + message;
    }
}
