package org.covidcxr.app.client;

import java.io.Serializable;

/**
 * Where the user stands on the way from a picture to its answer.
 *
 * <p>Immutable and serialisable: saved and restored as a whole, it survives rotation and process death.
 */
public final class CheckState implements Serializable {
    private static final long serialVersionUID = 1L;

    public enum Phase {
        EMPTY,
        /** Fetching and shrinking the picture. */
        READING,
        READY,
        /** Waiting for the service. */
        CHECKING,
        ANSWERED,
        FAILED
    }

    public static final CheckState EMPTY = new CheckState(Phase.EMPTY, null, null, null, null);

    private final Phase phase;
    private final String source;
    private final byte[] picture;
    private final Answer answer;
    private final Problem problem;

    private CheckState(Phase phase, String source, byte[] picture, Answer answer, Problem problem) {
        this.phase = phase;
        this.source = source;
        this.picture = picture;
        this.answer = answer;
        this.problem = problem;
    }

    /** @param source the URI of the picture, to start over should the process die meanwhile */
    public static CheckState reading(String source) {
        return new CheckState(Phase.READING, source, null, null, null);
    }

    /** @param picture the JPEG as it will be sent */
    public static CheckState ready(byte[] picture) {
        return new CheckState(Phase.READY, null, picture, null, null);
    }

    public CheckState checking() {
        if (!canCheck()) {
            throw new IllegalStateException("nothing to check while " + phase);
        }
        return new CheckState(Phase.CHECKING, null, picture, null, null);
    }

    public CheckState answered(Answer given) {
        return new CheckState(Phase.ANSWERED, null, picture, given, null);
    }

    /** Keeps the picture, so that the user can try again. */
    public CheckState failed(Problem why) {
        return new CheckState(Phase.FAILED, null, picture, null, why);
    }

    /** Back to before the work that is under way. */
    public CheckState cancelled() {
        return picture == null ? EMPTY : ready(picture);
    }

    public Phase phase() {
        return phase;
    }

    public boolean isBusy() {
        return phase == Phase.READING || phase == Phase.CHECKING;
    }

    public boolean canCheck() {
        return picture != null && !isBusy();
    }

    /** Null unless {@link Phase#READING}. */
    public String source() {
        return source;
    }

    /** Null as long as there is none. */
    public byte[] picture() {
        return picture;
    }

    /** Null unless {@link Phase#ANSWERED}. */
    public Answer answer() {
        return answer;
    }

    /** Null unless {@link Phase#FAILED}. */
    public Problem problem() {
        return problem;
    }
}
