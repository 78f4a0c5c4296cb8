package org.covidcxr.app;

import org.covidcxr.app.client.Failure;
import org.covidcxr.app.client.Problem;

/** A picture did not make it from its source to the form in which it is sent. */
final class PictureException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Failure failure;

    PictureException(Failure failure) {
        super(failure.name());
        this.failure = failure;
    }

    Problem problem() {
        return new Problem(failure);
    }
}
