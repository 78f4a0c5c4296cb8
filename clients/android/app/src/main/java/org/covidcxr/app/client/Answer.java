package org.covidcxr.app.client;

import java.io.Serializable;
import java.util.Collections;
import java.util.List;

/** The service's answer to one picture. Survives rotation and process death as a whole, hence serialisable. */
public final class Answer implements Serializable {
    private static final long serialVersionUID = 1L;

    private final State state;
    private final double percentage;
    private final double covidProbability;
    private final double threshold;
    private final List<Notice> warnings;
    private final Notice reason;
    private final byte[] heatmap;
    private final String triage;
    private final String site;
    private final ModelFacts model;

    Answer(State state, double percentage, double covidProbability, double threshold,
            List<Notice> warnings, Notice reason, byte[] heatmap, String triage, String site, ModelFacts model) {
        this.state = state;
        this.percentage = percentage;
        this.covidProbability = covidProbability;
        this.threshold = threshold;
        this.warnings = warnings;
        this.reason = reason;
        this.heatmap = heatmap;
        this.triage = triage;
        this.site = site;
        this.model = model;
    }

    public State state() {
        return state;
    }

    /** Probability of {@link #state()}, 0 to 100; NaN where the picture was refused. */
    public double percentage() {
        return percentage;
    }

    /** 0 to 1, or NaN. */
    public double covidProbability() {
        return covidProbability;
    }

    /** The COVID probability, 0 to 1, from which on the state is COVID; or NaN. */
    public double threshold() {
        return threshold;
    }

    public List<Notice> warnings() {
        return Collections.unmodifiableList(warnings);
    }

    /** Why the picture was refused; null otherwise, or where the server kept it to itself. */
    public Notice reason() {
        return reason;
    }

    /** An encoded picture with transparency, to be laid over the X-ray; null if there is none. */
    public byte[] heatmap() {
        return heatmap;
    }

    /** The group at {@link #site()}, such as {@code uncertain}; empty if there is none. */
    public String triage() {
        return triage;
    }

    /** For which the model was commissioned; empty if it was for none. */
    public String site() {
        return site;
    }

    public ModelFacts model() {
        return model;
    }

    /** The same answer with another encoding of its heat map, or with none (null). */
    public Answer withHeatmap(byte[] other) {
        return new Answer(
                state, percentage, covidProbability, threshold, warnings, reason, other, triage, site, model);
    }
}
