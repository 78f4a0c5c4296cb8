package org.covidcxr.app.client;

import java.io.Serializable;

/** The outcome of a connection test: the model's facts, or else the problem. */
public final class ConnectionReport implements Serializable {
    private static final long serialVersionUID = 1L;

    private final ModelFacts model;
    private final Problem problem;

    private ConnectionReport(ModelFacts model, Problem problem) {
        this.model = model;
        this.problem = problem;
    }

    /** @throws java.util.concurrent.CancellationException after the client was cancelled */
    public static ConnectionReport of(ServiceClient client) {
        try {
            return new ConnectionReport(client.testConnection(), null);
        } catch (ServiceException failed) {
            return new ConnectionReport(null, failed.problem());
        }
    }

    /** Null if the test failed. */
    public ModelFacts model() {
        return model;
    }

    /** Null if the test succeeded. */
    public Problem problem() {
        return problem;
    }
}
