package org.covidcxr.app;

import java.util.concurrent.CancellationException;
import org.covidcxr.app.client.ConnectionReport;
import org.covidcxr.app.client.ServiceClient;

/** The work behind the settings' test button. Outlives the screen's rotation; used on the UI thread only. */
final class ConnectionTest {
    interface Listener {
        /** @param report null if there is none (yet) */
        void onChange(boolean running, ConnectionReport report);
    }

    private ConnectionReport report;
    private ServiceClient running;
    private Listener listener;

    ConnectionTest(ConnectionReport restored) {
        report = restored;
    }

    ConnectionReport report() {
        return report;
    }

    /** Tells the listener the state at once, and each change from then on; null to tell nobody. */
    void listen(Listener newListener) {
        listener = newListener;
        tell();
    }

    void start(ServiceClient client) {
        forget();
        running = client;
        tell();
        Background.run(() -> {
            try {
                ConnectionReport outcome = ConnectionReport.of(client);
                Background.onScreen(() -> settle(client, outcome));
            } catch (CancellationException cancelled) {
                // The screen has moved on already.
            }
        });
    }

    /** Breaks off a test that runs, and drops an outcome that no longer fits what is typed. */
    void forget() {
        if (running != null) {
            Background.run(running::cancel);
        }
        running = null;
        report = null;
        tell();
    }

    private void settle(ServiceClient client, ConnectionReport outcome) {
        if (client == running) {
            running = null;
            report = outcome;
            tell();
        }
    }

    private void tell() {
        if (listener != null) {
            listener.onChange(running != null, report);
        }
    }
}
