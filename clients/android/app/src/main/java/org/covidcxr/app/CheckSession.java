package org.covidcxr.app;

import android.content.Context;
import android.graphics.Bitmap;
import android.net.Uri;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import org.covidcxr.app.client.AddressException;
import org.covidcxr.app.client.Answer;
import org.covidcxr.app.client.CheckState;
import org.covidcxr.app.client.Failure;
import org.covidcxr.app.client.Problem;
import org.covidcxr.app.client.ServiceClient;
import org.covidcxr.app.client.ServiceException;

/** The work behind the main screen. Outlives the screen's rotation; used on the UI thread only. */
final class CheckSession {
    interface Listener {
        void onChange(CheckState state);
    }

    private final Context context;
    private CheckState state;
    private Listener listener;
    private ServiceClient client;
    /** Counts the works begun and cancelled: what an outdated one brings is dropped. */
    private int ticket;

    CheckSession(Context anyContext, CheckState restored) {
        context = anyContext.getApplicationContext();
        state = restored;
    }

    CheckState state() {
        return state;
    }

    /** Tells the listener the state at once, and each change from then on; null to tell nobody. */
    void listen(Listener newListener) {
        listener = newListener;
        if (listener != null) {
            listener.onChange(state);
        }
    }

    /** Takes up again what the death of the process broke off. */
    void resume() {
        if (state.phase() == CheckState.Phase.READING) {
            read(Uri.parse(state.source()));
        } else if (state.phase() == CheckState.Phase.CHECKING) {
            state = state.cancelled();
            check();
        }
    }

    void read(Uri source) {
        cancel();
        change(CheckState.reading(source.toString()));
        CheckState before = state;
        start(() -> {
            try {
                return CheckState.ready(new PictureReader(context).read(source));
            } catch (PictureException failed) {
                return before.failed(failed.problem());
            }
        });
    }

    void check() {
        try {
            client = ServiceClients.fromSettings(context);
        } catch (AddressException notSet) {
            fail(Failure.NO_ADDRESS);
            return;
        }
        change(state.checking());
        CheckState before = state;
        ServiceClient asked = client;
        start(() -> {
            try {
                return before.answered(withSmallHeatmap(asked.predict(before.picture())));
            } catch (ServiceException failed) {
                return before.failed(failed.problem());
            }
        });
    }

    void cancel() {
        ticket++;
        if (client != null) {
            Background.run(client::cancel);
            client = null;
        }
        if (state.isBusy()) {
            change(state.cancelled());
        }
    }

    /** For what goes wrong outside of this session, such as a missing camera app. */
    void fail(Failure failure) {
        cancel();
        change(state.failed(new Problem(failure)));
    }

    private void start(Supplier<CheckState> work) {
        int mine = ++ticket;
        Background.run(() -> {
            try {
                CheckState outcome = work.get();
                Background.onScreen(() -> settle(mine, outcome));
            } catch (CancellationException cancelled) {
                // The screen has moved on already.
            }
        });
    }

    private void settle(int theirs, CheckState outcome) {
        if (theirs == ticket) {
            client = null;
            change(outcome);
        }
    }

    private void change(CheckState next) {
        state = next;
        if (listener != null) {
            listener.onChange(next);
        }
    }

    private static Answer withSmallHeatmap(Answer answer) {
        if (answer.heatmap() == null) {
            return answer;
        }
        Bitmap heatmap = BitmapDecoder.decode(answer.heatmap(), BudgetEncoder.HEATMAP.side());
        return answer.withHeatmap(heatmap == null ? null : BudgetEncoder.HEATMAP.encode(heatmap));
    }
}
