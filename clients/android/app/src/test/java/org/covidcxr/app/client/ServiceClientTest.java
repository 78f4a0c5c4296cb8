package org.covidcxr.app.client;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.Test;

public class ServiceClientTest {
    /** Far above what a busy machine needs: only a broken test waits that long. */
    private static final Timeouts AMPLE = new Timeouts(10_000, 10_000);

    private static ServiceClient client(String address, String apiKey) throws AddressException {
        return new ServiceClient(ServerAddress.parse(address), apiKey, AMPLE, () -> true);
    }

    private static ServiceClient client(LoopbackServer server) throws AddressException {
        return client("http://" + server.authority(), "");
    }

    private static Problem problem(LoopbackServer server) throws AddressException {
        return problem(client(server));
    }

    private static Problem problem(ServiceClient client) {
        return assertThrows(ServiceException.class, () -> client.predict(Samples.PICTURE)).problem();
    }

    private static Failure failureOfStatus(int status, String body, String... headers) throws Exception {
        try (LoopbackServer server = new LoopbackServer(LoopbackServer.reply(status, body, headers))) {
            return problem(server).failure();
        }
    }

    @Test
    public void aPredictionIsOnePostOfJson() throws Exception {
        try (LoopbackServer server = new LoopbackServer(LoopbackServer.reply(200, Samples.COVID))) {
            Answer answer = client("http://" + server.authority() + "/cxr/", "s3cret").predict(Samples.PICTURE);
            assertEquals(State.COVID, answer.state());
            LoopbackServer.Request request = server.requests.get(0);
            assertEquals("POST", request.method);
            assertEquals("/cxr/predict", request.path);
            assertEquals("application/json", request.headers.get("Content-Type"));
            assertEquals("s3cret", request.headers.get("X-API-Key"));
            assertEquals("covid-cxr-android", request.headers.get("User-Agent"));
            assertArrayEquals(HttpRequest.predict(Samples.PICTURE, true).body, request.body);
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    public void withoutAKeyNoKeyIsSent() throws Exception {
        try (LoopbackServer server = new LoopbackServer(LoopbackServer.reply(200, Samples.REFUSED))) {
            assertEquals(State.REFUSED, client(server).predict(Samples.PICTURE).state());
            assertFalse(server.requests.get(0).headers.containsKey("X-API-Key"));
        }
    }

    @Test
    public void theConnectionTestReadsReadinessThenTheModel() throws Exception {
        try (LoopbackServer server = new LoopbackServer(
                LoopbackServer.reply(200, ""), LoopbackServer.reply(200, Samples.MODEL))) {
            ConnectionReport report = ConnectionReport.of(client("http://" + server.authority(), "s3cret"));
            assertNull(report.problem());
            assertEquals("covid-cxr 7 (inceptionv3)", report.model().summary());
            assertEquals("/readyz", server.requests.get(0).path);
            assertEquals("/model", server.requests.get(1).path);
            assertEquals("GET", server.requests.get(1).method);
            assertEquals("s3cret", server.requests.get(1).headers.get("X-API-Key"));
        }
    }

    @Test
    public void aServiceThatIsStartingIsReportedAsSuch() throws Exception {
        try (LoopbackServer server = new LoopbackServer(LoopbackServer.reply(503, ""))) {
            ConnectionReport report = ConnectionReport.of(client(server));
            assertEquals(Failure.OVERLOADED, report.problem().failure());
            assertNull(report.model());
        }
    }

    @Test
    public void aWebServerThatAnswersEverythingIsNotTheService() throws Exception {
        try (LoopbackServer server = new LoopbackServer(
                LoopbackServer.reply(200, "<html>"), LoopbackServer.reply(200, "<html>"))) {
            assertEquals(Failure.BROKEN_ANSWER, ConnectionReport.of(client(server)).problem().failure());
        }
    }

    @Test
    public void everyErrorStatusBecomesItsFailure() throws Exception {
        assertEquals(Failure.BAD_REQUEST, failureOfStatus(400, Samples.error("not_base64", "x")));
        assertEquals(Failure.UNAUTHORISED, failureOfStatus(401, Samples.error("unauthorised", "x")));
        assertEquals(Failure.UNAUTHORISED, failureOfStatus(401, "", "WWW-Authenticate: Basic realm=\"x\""));
        assertEquals(Failure.WRONG_ADDRESS, failureOfStatus(404, "Not Found"));
        assertEquals(Failure.TOO_LARGE, failureOfStatus(413, Samples.error("too_large", "x")));
        assertEquals(Failure.NOT_A_PICTURE, failureOfStatus(415, Samples.error("not_a_picture", "x")));
        assertEquals(Failure.INVALID_FIELD, failureOfStatus(422, Samples.error("invalid_field", "x")));
        assertEquals(Failure.OVERLOADED, failureOfStatus(429, Samples.error("overloaded", "x")));
        assertEquals(Failure.SERVER, failureOfStatus(500, "Internal Server Error"));
        assertEquals(Failure.UNSOUND_ANSWER, failureOfStatus(500, Samples.error("unsound_answer", "x")));
        assertEquals(Failure.OVERLOADED, failureOfStatus(503, Samples.error("overloaded", "x")));
    }

    @Test
    public void theServersWordsAndItsWaitingTimeAreKept() throws Exception {
        try (LoopbackServer server = new LoopbackServer(
                LoopbackServer.reply(503, Samples.error("overloaded", "Too many at once."), "Retry-After: 7"))) {
            Problem problem = problem(server);
            assertEquals("Too many at once.", problem.serverMessage());
            assertEquals(7, problem.retryAfterS());
        }
    }

    @Test
    public void aDateOrNonsenseAsWaitingTimeIsIgnored() throws Exception {
        for (String value : new String[] {"Wed, 21 Oct 2026 07:28:00 GMT", "-5", "soon"}) {
            try (LoopbackServer server = new LoopbackServer(LoopbackServer.reply(429, "", "Retry-After: " + value))) {
                assertEquals(value, 0, problem(server).retryAfterS());
            }
        }
    }

    @Test
    public void errorBodiesOfOtherFormsDoNoHarm() throws Exception {
        for (String body : new String[] {"", "null", "[{\"error\": \"x\"}]", "{\"error\": null}", "{\"detail\": 1}"}) {
            try (LoopbackServer server = new LoopbackServer(LoopbackServer.reply(422, body))) {
                assertEquals(body, "", problem(server).serverMessage());
            }
        }
    }

    @Test
    public void aServersNovelIsCutToASentence() throws Exception {
        StringBuilder novel = new StringBuilder();
        for (int i = 0; i < 10_000; i++) {
            novel.append('x');
        }
        String body = Samples.error("x", novel.toString());
        try (LoopbackServer server = new LoopbackServer(LoopbackServer.reply(400, body))) {
            assertEquals(301, problem(server).serverMessage().length());
        }
    }

    @Test
    public void anAnswerThatIsNotOursIsBroken() throws Exception {
        for (String body : new String[] {"", "97.12% COVID", "<html>", "{}", "{\"percentage\": \"97.12% COVID\"}"}) {
            assertEquals(body, Failure.BROKEN_ANSWER, failureOfStatus(200, body));
        }
    }

    @Test
    public void anEndlessAnswerIsBrokenOff() throws Exception {
        try (LoopbackServer server = new LoopbackServer(socket -> {
            socket.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes());
            byte[] chunk = new byte[64 * 1024];
            while (true) {
                socket.getOutputStream().write(chunk);
            }
        })) {
            assertEquals(Failure.BROKEN_ANSWER, problem(server).failure());
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    public void redirectsAreNotFollowed() throws Exception {
        try (LoopbackServer elsewhere = new LoopbackServer(LoopbackServer.reply(200, Samples.COVID))) {
            String location = "Location: http://" + elsewhere.authority() + "/predict";
            assertEquals(Failure.WRONG_ADDRESS, failureOfStatus(307, "", location));
            assertTrue(elsewhere.requests.isEmpty());
        }
    }

    @Test
    public void aDroppedConnectionIsTriedOnceMore() throws Exception {
        try (LoopbackServer server = new LoopbackServer(
                LoopbackServer.drop(), LoopbackServer.reply(200, Samples.COVID))) {
            assertEquals(State.COVID, client(server).predict(Samples.PICTURE).state());
            assertEquals(2, server.requests.size());
            assertArrayEquals(server.requests.get(0).body, server.requests.get(1).body);
        }
    }

    @Test
    public void anAnswerThatBreaksOffIsAskedForOnceMore() throws Exception {
        try (LoopbackServer server = new LoopbackServer(
                LoopbackServer.breakOff(), LoopbackServer.reply(200, Samples.COVID))) {
            assertEquals(State.COVID, client(server).predict(Samples.PICTURE).state());
        }
    }

    @Test
    public void aConnectionThatDropsTwiceIsGivenUp() throws Exception {
        try (LoopbackServer server = new LoopbackServer(
                LoopbackServer.drop(), LoopbackServer.drop(), LoopbackServer.reply(200, Samples.COVID))) {
            assertEquals(Failure.NO_NETWORK, problem(server).failure());
            assertEquals(2, server.requests.size());
        }
    }

    @Test
    public void anOverloadedServerIsNotAskedAgain() throws Exception {
        try (LoopbackServer server = new LoopbackServer(
                LoopbackServer.reply(503, ""), LoopbackServer.reply(200, Samples.COVID))) {
            assertEquals(Failure.OVERLOADED, problem(server).failure());
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    public void aSilentServerTimesOutWithoutRetry() throws Exception {
        try (LoopbackServer server = new LoopbackServer(
                LoopbackServer.silence(), LoopbackServer.reply(200, Samples.COVID))) {
            ServiceClient impatient = new ServiceClient(
                    ServerAddress.parse("http://" + server.authority()), "", new Timeouts(10_000, 300), () -> true);
            assertEquals(Failure.TIMEOUT, problem(impatient).failure());
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    public void nobodyListeningIsAWrongAddressUnlessTheDeviceIsOffline() throws Exception {
        int freePort;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            freePort = socket.getLocalPort();
        }
        ServerAddress nobody = ServerAddress.parse("http://127.0.0.1:" + freePort);
        assertEquals(Failure.WRONG_ADDRESS, problem(new ServiceClient(nobody, "", AMPLE, () -> true)).failure());
        assertEquals(Failure.NO_NETWORK, problem(new ServiceClient(nobody, "", AMPLE, () -> false)).failure());
    }

    @Test
    public void cancellingBreaksOffAtOnce() throws Exception {
        try (LoopbackServer server = new LoopbackServer(LoopbackServer.silence())) {
            ServiceClient patient = new ServiceClient(
                    ServerAddress.parse("http://" + server.authority()), "", new Timeouts(10_000, 60_000), () -> true);
            CompletableFuture<Throwable> outcome = new CompletableFuture<>();
            new Thread(() -> {
                try {
                    patient.predict(Samples.PICTURE);
                } catch (ServiceException | CancellationException thrown) {
                    outcome.complete(thrown);
                }
            }).start();
            server.awaitRequest();
            patient.cancel();
            assertEquals(CancellationException.class, outcome.get(10, TimeUnit.SECONDS).getClass());
        }
    }

    @Test
    public void aCancelledClientAsksNothingMore() throws Exception {
        try (LoopbackServer server = new LoopbackServer(LoopbackServer.reply(200, Samples.COVID))) {
            ServiceClient cancelled = client(server);
            cancelled.cancel();
            assertThrows(CancellationException.class, () -> cancelled.predict(Samples.PICTURE));
            assertTrue(server.requests.isEmpty());
        }
    }
}
