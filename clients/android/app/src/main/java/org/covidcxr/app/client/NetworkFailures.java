package org.covidcxr.app.client;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.util.Locale;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;

/** What an exception of the network means to the person with the phone. */
final class NetworkFailures {
    private NetworkFailures() {}

    /** @param online whether the device has a network: only then can the address be to blame */
    static Failure of(IOException error, boolean online) {
        if (error instanceof Bytes.TooManyException) {
            return Failure.BROKEN_ANSWER;
        }
        if (isAboutCertificate(error)) {
            return Failure.CERTIFICATE;
        }
        if (!online) {
            return Failure.NO_NETWORK;
        }
        if (error instanceof SocketTimeoutException) {
            return Failure.TIMEOUT;
        }
        if (error instanceof UnknownHostException || isRefusal(error) || isNotTls(error)) {
            return Failure.WRONG_ADDRESS;
        }
        return Failure.NO_NETWORK;
    }

    /** Whether a connection that stood was lost: neither a refusal, nor a time-out, nor our own doing. */
    static boolean isDrop(IOException error) {
        return !(error instanceof SocketTimeoutException
                || error instanceof UnknownHostException
                || error instanceof ConnectException
                || error instanceof NoRouteToHostException
                || error instanceof Bytes.TooManyException
                || error instanceof HttpTransport.CancelledException
                || isAboutCertificate(error)
                || isNotTls(error));
    }

    /** Somebody at that address said no. An unreachable network is a ConnectException too, and is not that. */
    private static boolean isRefusal(IOException error) {
        // Android names the reason only in the cause.
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
            if (cause instanceof ConnectException && message.contains("refused")) {
                return true;
            }
        }
        return false;
    }

    private static boolean isAboutCertificate(IOException error) {
        return hasCause(error, CertificateException.class)
                || hasCause(error, CertPathValidatorException.class)
                || hasCause(error, SSLPeerUnverifiedException.class);
    }

    /** The server answers, but not in TLS. A TLS connection that broke names the broken socket as its cause. */
    private static boolean isNotTls(IOException error) {
        return error instanceof SSLException
                && !hasCause(error, SocketException.class)
                && !hasCause(error, EOFException.class);
    }

    private static boolean hasCause(Throwable error, Class<? extends Throwable> type) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return true;
            }
        }
        return false;
    }
}
