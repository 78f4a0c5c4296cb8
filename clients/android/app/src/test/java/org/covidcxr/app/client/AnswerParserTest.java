package org.covidcxr.app.client;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class AnswerParserTest {
    private static Answer answer(String extra) throws ServiceException {
        return AnswerParser.parse("{\"state\": \"NonCOVID\", \"percentage\": 88.4" + extra + "}");
    }

    @Test
    public void everyFieldOfAnAnswerIsRead() throws Exception {
        Answer answer = AnswerParser.parse(Samples.COVID);
        assertEquals(State.COVID, answer.state());
        assertEquals(97.12, answer.percentage(), 1e-9);
        assertEquals(0.9712, answer.covidProbability(), 1e-9);
        assertEquals(0.62, answer.threshold(), 1e-9);
        assertEquals("shortcut_flagged", answer.warnings().get(0).code());
        assertEquals("The audit flagged this model.", answer.warnings().get(0).message());
        assertArrayEquals(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, answer.heatmap());
        assertEquals("covid-cxr 7 (inceptionv3)", answer.model().summary());
        assertNull(answer.reason());
    }

    @Test
    public void theSiteAndItsTriageAreReadWhereTheyAre() throws Exception {
        Answer commissioned = answer(", \"triage\": \"unlikely\", \"site\": \"St. Example\"");
        assertEquals("unlikely", commissioned.triage());
        assertEquals("St. Example", commissioned.withHeatmap(null).site());
        assertEquals("", answer("").triage() + answer("").site());
        assertEquals("", AnswerParser.parse("{\"state\": \"Refused\", \"triage\": \"likely\"}").triage());
    }

    @Test
    public void aRefusalCarriesItsReasonAndNoPercentage() throws Exception {
        Answer answer = AnswerParser.parse(Samples.REFUSED);
        assertEquals(State.REFUSED, answer.state());
        assertTrue(Double.isNaN(answer.percentage()));
        assertEquals("not_frontal", answer.reason().code());
        assertEquals("A lateral view.", answer.reason().message());
    }

    @Test
    public void aRefusalWithoutReasonIsStillARefusal() throws Exception {
        assertNull(AnswerParser.parse("{\"state\": \"Refused\"}").reason());
    }

    @Test
    public void unknownFieldsDoNoHarm() throws Exception {
        Answer answer = answer(", \"lungs\": {\"left\": [1, null, {\"x\": true}]}, \"lang\": \"en\"");
        assertEquals(State.NON_COVID, answer.state());
    }

    @Test
    public void optionalFieldsMayBeMissing() throws Exception {
        Answer answer = answer("");
        assertTrue(answer.warnings().isEmpty());
        assertNull(answer.heatmap());
        assertTrue(Double.isNaN(answer.threshold()));
        assertTrue(Double.isNaN(answer.covidProbability()));
        assertEquals("", answer.model().summary());
    }

    @Test
    public void optionalFieldsOfAnotherTypeCountAsMissing() throws Exception {
        Answer answer = answer(", \"warnings\": 7, \"heatmap\": [], \"threshold\": \"high\", \"model\": \"m\","
                + " \"probabilities\": [0.1, 0.9], \"reason\": 3");
        assertTrue(answer.warnings().isEmpty());
        assertNull(answer.heatmap());
        assertNull(answer.reason());
        assertTrue(Double.isNaN(answer.threshold()));
    }

    @Test
    public void warningsMayBePlainTexts() throws Exception {
        Answer answer = answer(", \"warnings\": [\"near_threshold\", null, 5, {\"code\": \"new\"}]");
        assertEquals(2, answer.warnings().size());
        assertEquals("near_threshold", answer.warnings().get(0).code());
        assertEquals("near_threshold", answer.warnings().get(0).message());
        assertEquals("new", answer.warnings().get(1).code());
    }

    @Test
    public void aHeatmapMayBeBareOrWrappedBase64AndBrokenOnesAreLeftOut() throws Exception {
        assertArrayEquals(new byte[] {1, 2, 3}, answer(", \"heatmap\": \"AQID\"").heatmap());
        assertArrayEquals(new byte[] {1, 2, 3}, answer(", \"heatmap\": \"data:image/png;base64,AQ\\nID\"").heatmap());
        assertNull(answer(", \"heatmap\": \"data:image/png;base64,A\"").heatmap());
        assertNull(answer(", \"heatmap\": \"\"").heatmap());
    }

    @Test
    public void numbersAsVersionsAreFine() {
        assertEquals("covid-cxr 7 (inceptionv3)", ModelFacts.of(JsonFields.object(Samples.MODEL)).summary());
        assertEquals(0.95, ModelFacts.of(JsonFields.object(Samples.MODEL)).sensitivity(), 1e-9);
    }

    @Test
    public void whatWouldMisleadIsABrokenAnswer() {
        StringBuilder bomb = new StringBuilder();
        for (int i = 0; i < 200_000; i++) {
            bomb.append('[');
        }
        for (String text : new String[] {"", "null", "[]", "97.12% COVID", "<html></html>", "{\"state\"", "{}",
            "{\"state\": \"COVID\"}", "{\"state\": \"Flu\", \"percentage\": 50}", "{\"state\": 1, \"percentage\": 50}",
            "{\"state\": \"COVID\", \"percentage\": \"97\"}", "{\"state\": \"COVID\", \"percentage\": 101}",
            "{\"state\": \"COVID\", \"percentage\": -1}", "{\"state\": \"covid\", \"percentage\": 50}",
            bomb.toString()}) {
            ServiceException broken = assertThrows(ServiceException.class, () -> AnswerParser.parse(text));
            assertEquals(Failure.BROKEN_ANSWER, broken.problem().failure());
        }
    }
}
