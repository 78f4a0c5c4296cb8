package org.covidcxr.app;

import android.app.Activity;
import android.view.View;
import android.widget.TextView;
import org.covidcxr.app.client.CheckState;
import org.covidcxr.app.client.Problem;

/** Shows a {@link CheckState} on the main screen. */
final class MainScreen {
    private final Activity activity;
    private final Texts texts;
    private final PicturePanel picture;
    private final AnswerPanel answer;

    MainScreen(Activity activity) {
        this.activity = activity;
        texts = new Texts(activity.getResources());
        picture = new PicturePanel(activity);
        answer = new AnswerPanel(activity, texts, picture);
    }

    void show(CheckState state) {
        picture.show(state.picture(), state.answer() == null ? null : state.answer().heatmap());
        answer.show(state.answer());
        showProgress(state);
        showProblem(state.problem());
    }

    private void showProgress(CheckState state) {
        // TalkBack speaks what changes in a visible region: hence the text comes second, here and below.
        setVisible(R.id.progress, state.isBusy());
        boolean reading = state.phase() == CheckState.Phase.READING;
        TextView progress = activity.findViewById(R.id.progress_text);
        progress.setText(reading ? R.string.reading_picture : R.string.checking);
        activity.findViewById(R.id.check).setEnabled(state.canCheck());
        activity.findViewById(R.id.choose).setEnabled(!state.isBusy());
        activity.findViewById(R.id.photograph).setEnabled(!state.isBusy());
    }

    private void showProblem(Problem problem) {
        setVisible(R.id.problem, problem != null);
        if (problem != null) {
            TextView text = activity.findViewById(R.id.problem_text);
            text.setText(texts.of(problem));
            setVisible(R.id.open_settings, problem.failure().isMendedInSettings());
        }
    }

    private void setVisible(int view, boolean visible) {
        activity.findViewById(view).setVisibility(visible ? View.VISIBLE : View.GONE);
    }
}
