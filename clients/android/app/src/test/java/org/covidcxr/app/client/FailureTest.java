package org.covidcxr.app.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLProtocolException;
import org.junit.Test;

/** Exceptions as Java and Android throw them; those of a real socket are in ServiceClientTest. */
public class FailureTest {
    private static IOException caused(IOException error, Throwable cause) {
        error.initCause(cause);
        return error;
    }

    @Test
    public void everyStatusOfTheServiceHasItsFailure() {
        assertEquals(Failure.BAD_REQUEST, StatusFailures.of(400));
        assertEquals(Failure.UNAUTHORISED, StatusFailures.of(401));
        assertEquals(Failure.TOO_LARGE, StatusFailures.of(413));
        assertEquals(Failure.NOT_A_PICTURE, StatusFailures.of(415));
        assertEquals(Failure.INVALID_FIELD, StatusFailures.of(422));
        assertEquals(Failure.OVERLOADED, StatusFailures.of(429));
        assertEquals(Failure.OVERLOADED, StatusFailures.of(503));
    }

    @Test
    public void theServicesCodeSaysMoreThanItsStatus() {
        assertEquals(Failure.UNSOUND_ANSWER, StatusFailures.of(500, "unsound_answer"));
        assertEquals(Failure.NOT_FOR_USE, StatusFailures.of(403, "not_for_use"));
        assertEquals(Failure.COMMISSIONING_EXPIRED, StatusFailures.of(403, "commissioning_expired"));
        assertEquals(Failure.UNAUTHORISED, StatusFailures.of(403, ""));
    }

    @Test
    public void statusesOfOtherServersHaveOneToo() {
        assertEquals(Failure.BROKEN_ANSWER, StatusFailures.of(204));
        assertEquals(Failure.WRONG_ADDRESS, StatusFailures.of(301));
        assertEquals(Failure.UNAUTHORISED, StatusFailures.of(403));
        assertEquals(Failure.WRONG_ADDRESS, StatusFailures.of(404));
        assertEquals(Failure.WRONG_ADDRESS, StatusFailures.of(405));
        assertEquals(Failure.TIMEOUT, StatusFailures.of(408));
        assertEquals(Failure.BAD_REQUEST, StatusFailures.of(418));
        assertEquals(Failure.SERVER, StatusFailures.of(500));
        assertEquals(Failure.SERVER, StatusFailures.of(502));
        assertEquals(Failure.TIMEOUT, StatusFailures.of(504));
        assertEquals(Failure.BROKEN_ANSWER, StatusFailures.of(-1));
    }

    @Test
    public void withoutANetworkItIsTheNetwork() {
        assertEquals(Failure.NO_NETWORK, NetworkFailures.of(new UnknownHostException("x"), false));
        assertEquals(Failure.NO_NETWORK, NetworkFailures.of(new ConnectException("Network is unreachable"), false));
    }

    @Test
    public void withANetworkAnUnknownNameIsAWrongAddress() {
        assertEquals(Failure.WRONG_ADDRESS, NetworkFailures.of(new UnknownHostException("x"), true));
    }

    @Test
    public void refusalIsRecognisedInAndroidsWordingToo() {
        IOException android = caused(new ConnectException("Failed to connect to /192.168.1.5:3000"),
                new ConnectException("failed to connect: connect failed: ECONNREFUSED (Connection refused)"));
        assertEquals(Failure.WRONG_ADDRESS, NetworkFailures.of(android, true));
        assertFalse(NetworkFailures.isDrop(android));
    }

    @Test
    public void anUnreachableHostIsTheNetwork() {
        assertEquals(Failure.NO_NETWORK, NetworkFailures.of(new NoRouteToHostException("x"), true));
        assertEquals(Failure.NO_NETWORK, NetworkFailures.of(new ConnectException("Network is unreachable"), true));
    }

    @Test
    public void certificatesAreNamedHoweverTheyAreWrapped() {
        IOException expired = caused(new SSLHandshakeException("x"), new CertificateException("expired"));
        IOException untrusted = caused(new SSLHandshakeException("x"),
                new RuntimeException(new CertPathValidatorException("no anchor")));
        for (IOException error : new IOException[] {expired, untrusted, new SSLPeerUnverifiedException("other host")}) {
            assertEquals(Failure.CERTIFICATE, NetworkFailures.of(error, true));
            assertFalse(NetworkFailures.isDrop(error));
        }
    }

    @Test
    public void aServerWithoutTlsIsAWrongAddress() {
        IOException android = caused(new SSLHandshakeException("x"), new SSLProtocolException("WRONG_VERSION_NUMBER"));
        for (IOException error : new IOException[] {android, new SSLException("Unrecognized SSL message")}) {
            assertEquals(Failure.WRONG_ADDRESS, NetworkFailures.of(error, true));
            assertFalse(NetworkFailures.isDrop(error));
        }
    }

    @Test
    public void lostConnectionsAreDropsAndNothingElseIs() {
        assertTrue(NetworkFailures.isDrop(new SocketException("Connection reset")));
        assertTrue(NetworkFailures.isDrop(new EOFException()));
        assertTrue(NetworkFailures.isDrop(new IOException("unexpected end of stream")));
        assertTrue(NetworkFailures.isDrop(caused(new SSLException("x"), new SocketException("Connection reset"))));
        assertTrue(NetworkFailures.isDrop(caused(new SSLHandshakeException("x"), new EOFException())));
        assertFalse(NetworkFailures.isDrop(new SocketTimeoutException()));
        assertFalse(NetworkFailures.isDrop(new UnknownHostException()));
        assertFalse(NetworkFailures.isDrop(new Bytes.TooManyException(1)));
        assertFalse(NetworkFailures.isDrop(new HttpTransport.CancelledException()));
    }

    @Test
    public void theServersWordsAreAskedForWhereTheyNameTheFault() {
        assertTrue(Failure.INVALID_FIELD.isAboutTheRequest());
        assertTrue(Failure.TOO_LARGE.isAboutTheRequest());
        assertFalse(Failure.OVERLOADED.isAboutTheRequest());
        assertFalse(Failure.UNAUTHORISED.isAboutTheRequest());
    }

    @Test
    public void whatTheSettingsCanMendLeadsThere() {
        assertTrue(Failure.WRONG_ADDRESS.isMendedInSettings());
        assertTrue(Failure.UNAUTHORISED.isMendedInSettings());
        assertFalse(Failure.TIMEOUT.isMendedInSettings());
    }
}
