package org.covidcxr.app.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import org.junit.Before;
import org.junit.Test;

/**
 * The contract: sends exactly what the app sends, to a service that runs.
 *
 * <p>CXR_SERVICE_URL names the service (plain HTTP on a private address will do), CXR_SAMPLE_IMAGE a JPEG file of a
 * chest X-ray, CXR_API_KEY a key where the service asks for one. Skipped where they are not set.
 */
public class RealServiceTest {
    private ServiceClient client;

    private static String variable(String name) {
        String value = System.getenv(name);
        return value == null ? "" : value;
    }

    private static ServiceClient clientWith(String apiKey) throws AddressException {
        ServerAddress address = ServerAddress.parse(variable("CXR_SERVICE_URL"));
        return new ServiceClient(address, apiKey, Timeouts.DEFAULT, () -> true);
    }

    @Before
    public void connect() throws Exception {
        assumeTrue("CXR_SERVICE_URL is not set", !variable("CXR_SERVICE_URL").isEmpty());
        client = clientWith(variable("CXR_API_KEY"));
    }

    @Test
    public void aWrongKeyIsNamedAsSuch() throws Exception {
        assumeTrue("CXR_API_KEY is not set", !variable("CXR_API_KEY").isEmpty());
        ServiceClient stranger = clientWith(variable("CXR_API_KEY") + "x");
        Problem problem = assertThrows(ServiceException.class, () -> stranger.predict(new byte[1])).problem();
        assertEquals(Failure.UNAUTHORISED, problem.failure());
    }

    @Test
    public void theServiceIsReadyAndNamesItsModel() {
        ConnectionReport report = ConnectionReport.of(client);
        assertNull("failed: " + report.problem(), report.problem());
        System.out.println("model: " + report.model().summary() + ", sensitivity " + report.model().sensitivity());
        assertFalse(report.model().name().isEmpty());
    }

    @Test
    public void aPictureGetsAnAnswer() throws Exception {
        String sample = variable("CXR_SAMPLE_IMAGE");
        assumeTrue("CXR_SAMPLE_IMAGE is not set", !sample.isEmpty());
        Answer answer = client.predict(Files.readAllBytes(Paths.get(sample)));
        System.out.println("answer: " + answer.state().wire() + ", " + answer.percentage() + " %, COVID probability "
                + answer.covidProbability() + ", threshold " + answer.threshold() + ", warnings " + answer.warnings()
                + ", reason " + answer.reason() + ", heat map of "
                + (answer.heatmap() == null ? 0 : answer.heatmap().length) + " bytes, model "
                + answer.model().summary());
        assertFalse("the answer names its model", answer.model().name().isEmpty());
        if (answer.state() == State.REFUSED) {
            assertNotNull("a refusal gives its reason", answer.reason());
        } else {
            assertTrue(answer.threshold() >= 0 && answer.threshold() <= 1);
            assertTrue(answer.covidProbability() >= 0 && answer.covidProbability() <= 1);
            byte[] png = {(byte) 0x89, 'P', 'N', 'G'};
            assertNotNull("a heat map was asked for", answer.heatmap());
            for (int i = 0; i < png.length; i++) {
                assertEquals("the heat map is a PNG", png[i], answer.heatmap()[i]);
            }
        }
    }

    @Test
    public void whatIsNoPictureIsNamedAsSuch() {
        byte[] text = "This is not a picture.".getBytes(StandardCharsets.US_ASCII);
        Problem problem = assertThrows(ServiceException.class, () -> client.predict(text)).problem();
        System.out.println("not a picture: " + problem.failure() + ", " + problem.serverMessage());
        assertEquals(Failure.NOT_A_PICTURE, problem.failure());
        assertFalse("errors carry a message", problem.serverMessage().isEmpty());
    }
}
