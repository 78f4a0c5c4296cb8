package org.covidcxr.app.client;

/** A server address that the app will not use, and why. */
public final class AddressException extends Exception {
    private static final long serialVersionUID = 1L;

    public enum Problem {
        EMPTY,
        MALFORMED,
        /** Plain HTTP to a host that is not private: anyone on the way could read the picture. */
        PLAIN_HTTP_IN_PUBLIC
    }

    private final Problem problem;

    AddressException(Problem problem) {
        super(problem.name());
        this.problem = problem;
    }

    public Problem problem() {
        return problem;
    }
}
