package org.covidcxr.app;

import android.app.Activity;
import android.content.res.Resources;
import android.view.View;
import android.widget.Switch;
import android.widget.TextView;
import org.covidcxr.app.client.Answer;
import org.covidcxr.app.client.Notice;
import org.covidcxr.app.client.State;

/** The answer in words: state, probability, warnings, or why the picture was refused. */
final class AnswerPanel {
    private final Activity activity;
    private final Resources resources;
    private final Texts texts;

    AnswerPanel(Activity activity, Texts texts, PicturePanel picture) {
        this.activity = activity;
        this.resources = activity.getResources();
        this.texts = texts;
        Switch heatmap = activity.findViewById(R.id.heatmap_switch);
        heatmap.setOnCheckedChangeListener((button, checked) -> picture.wantHeatmap(checked));
    }

    /** @param answer null if there is none yet */
    void show(Answer answer) {
        setVisible(R.id.answer, answer != null);
        if (answer == null) {
            return;
        }
        setText(R.id.answer_state, texts.of(answer.state()));
        setText(R.id.answer_reason, answer.state() == State.REFUSED ? texts.ofRefusal(answer.reason()) : "");
        setText(R.id.answer_probability, probability(answer));
        setText(R.id.answer_triage, answer.triage().isEmpty() ? "" : texts.ofTriage(answer.triage()));
        setText(R.id.answer_threshold, threshold(answer));
        setText(R.id.answer_warnings, warnings(answer));
        setText(R.id.answer_site, site(answer));
        setText(R.id.answer_model, model(answer));
        setVisible(R.id.heatmap_switch, answer.heatmap() != null);
    }

    private String probability(Answer answer) {
        if (answer.state() == State.REFUSED) {
            return "";
        }
        return texts.labelled(R.string.result_probability, texts.percent(answer.percentage() / 100));
    }

    /** The state's own probability cannot be held against the threshold, which is one of COVID: so say that one. */
    private String threshold(Answer answer) {
        if (answer.state() == State.REFUSED || Double.isNaN(answer.threshold())) {
            return "";
        }
        String line = texts.labelled(R.string.result_threshold, texts.percent(answer.threshold()));
        if (Double.isNaN(answer.covidProbability())) {
            return line;
        }
        return line + "\n" + resources.getString(R.string.covid_probability, texts.percent(answer.covidProbability()));
    }

    private String warnings(Answer answer) {
        StringBuilder lines = new StringBuilder();
        for (Notice warning : answer.warnings()) {
            lines.append(lines.length() == 0 ? "" : "\n").append(texts.ofWarning(warning));
        }
        return lines.toString();
    }

    private String site(Answer answer) {
        return answer.site().isEmpty() ? "" : texts.labelled(R.string.result_site, answer.site());
    }

    private String model(Answer answer) {
        String summary = answer.model().summary();
        return summary.isEmpty() ? "" : texts.labelled(R.string.model, summary);
    }

    /** An empty line takes no room. */
    private void setText(int view, String text) {
        TextView line = activity.findViewById(view);
        line.setText(text);
        setVisible(view, !text.isEmpty());
    }

    private void setVisible(int view, boolean visible) {
        activity.findViewById(view).setVisibility(visible ? View.VISIBLE : View.GONE);
    }
}
