package org.covidcxr.app.client;

/** What an HTTP status other than 200 means to the person with the phone. */
final class StatusFailures {
    private StatusFailures() {}

    /** {@code code}: of the service's error; "" where another server answered. */
    static Failure of(int status, String code) {
        switch (code) {
            case "unsound_answer":
                return Failure.UNSOUND_ANSWER;
            case "not_for_use":
                return Failure.NOT_FOR_USE;
            case "commissioning_expired":
                return Failure.COMMISSIONING_EXPIRED;
            default:
                return of(status);
        }
    }

    static Failure of(int status) {
        switch (status) {
            case 401:
            case 403:
                return Failure.UNAUTHORISED;
            case 404:
            case 405:
                return Failure.WRONG_ADDRESS;
            case 408:
            case 504:
                return Failure.TIMEOUT;
            case 413:
                return Failure.TOO_LARGE;
            case 415:
                return Failure.NOT_A_PICTURE;
            case 422:
                return Failure.INVALID_FIELD;
            case 429:
            case 503:
                return Failure.OVERLOADED;
            default:
                return ofClass(status / 100);
        }
    }

    private static Failure ofClass(int hundreds) {
        switch (hundreds) {
            case 3:
                return Failure.WRONG_ADDRESS;
            case 4:
                return Failure.BAD_REQUEST;
            case 5:
                return Failure.SERVER;
            default:
                return Failure.BROKEN_ANSWER;
        }
    }
}
