package org.covidcxr.app.client;

/** The service did not give an answer. */
public final class ServiceException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Problem problem;

    ServiceException(Problem problem) {
        super(problem.failure().name());
        this.problem = problem;
    }

    ServiceException(Failure failure) {
        this(new Problem(failure));
    }

    public Problem problem() {
        return problem;
    }
}
