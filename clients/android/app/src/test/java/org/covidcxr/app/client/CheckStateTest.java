package org.covidcxr.app.client;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.junit.Test;

public class CheckStateTest {
    private static final CheckState READY = CheckState.ready(Samples.PICTURE);

    /** What Android does to the state of a screen whose process dies. */
    private static CheckState revived(CheckState state) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(state);
        }
        return (CheckState) new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
    }

    @Test
    public void onlyAPictureAtRestCanBeChecked() {
        assertFalse(CheckState.EMPTY.canCheck());
        assertFalse(CheckState.reading("content://x").canCheck());
        assertTrue(READY.canCheck());
        assertFalse(READY.checking().canCheck());
        assertThrows(IllegalStateException.class, () -> READY.checking().checking());
    }

    @Test
    public void aFailureKeepsThePictureForAnotherTry() {
        CheckState failed = READY.checking().failed(new Problem(Failure.TIMEOUT));
        assertTrue(failed.canCheck());
        assertNull(failed.checking().problem());
    }

    @Test
    public void cancellingGoesBackToThePictureOrToNothing() {
        assertEquals(CheckState.Phase.READY, READY.checking().cancelled().phase());
        assertEquals(CheckState.Phase.EMPTY, CheckState.reading("content://x").cancelled().phase());
    }

    @Test
    public void everyPhaseSurvivesTheProcess() throws Exception {
        assertEquals(CheckState.Phase.EMPTY, revived(CheckState.EMPTY).phase());
        assertEquals("content://x", revived(CheckState.reading("content://x")).source());
        assertArrayEquals(Samples.PICTURE, revived(READY).picture());
        assertTrue(revived(READY.checking()).isBusy());
        CheckState failed = revived(READY.failed(new Problem(Failure.OVERLOADED, "busy", 7)));
        assertEquals(Failure.OVERLOADED, failed.problem().failure());
        assertEquals(7, failed.problem().retryAfterS());
    }

    @Test
    public void aWholeAnswerSurvivesTheProcess() throws Exception {
        Answer answer = revived(READY.checking().answered(AnswerParser.parse(Samples.COVID))).answer();
        assertEquals(State.COVID, answer.state());
        assertEquals(97.12, answer.percentage(), 1e-9);
        assertEquals("shortcut_flagged", answer.warnings().get(0).code());
        assertEquals(8, answer.heatmap().length);
        assertEquals("covid-cxr 7 (inceptionv3)", answer.model().summary());
    }

    @Test
    public void anotherEncodingOfTheHeatmapLeavesTheRestAlone() throws Exception {
        Answer answer = AnswerParser.parse(Samples.COVID).withHeatmap(new byte[] {1});
        assertArrayEquals(new byte[] {1}, answer.heatmap());
        assertEquals(0.62, answer.threshold(), 1e-9);
    }
}
