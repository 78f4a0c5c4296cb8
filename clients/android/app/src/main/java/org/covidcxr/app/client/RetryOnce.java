package org.covidcxr.app.client;

import java.io.IOException;

/** Tries a second time after a dropped connection: asking for the same prediction twice does no harm. */
final class RetryOnce {
    interface Attempt<T> {
        T run() throws IOException;
    }

    private RetryOnce() {}

    static <T> T onDrop(Attempt<T> attempt) throws IOException {
        try {
            return attempt.run();
        } catch (IOException first) {
            if (!NetworkFailures.isDrop(first)) {
                throw first;
            }
            return attempt.run();
        }
    }
}
