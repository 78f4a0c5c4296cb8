package org.covidcxr.app.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.junit.After;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class TlsTest {
    private static final Timeouts AMPLE = new Timeouts(10_000, 10_000);
    private static final char[] PASSWORD = "loopback".toCharArray();
    private static final SSLSocketFactory USUAL = HttpsURLConnection.getDefaultSSLSocketFactory();

    @ClassRule
    public static final TemporaryFolder FOLDER = new TemporaryFolder();

    private static KeyStore right;
    private static KeyStore otherHost;
    private static KeyStore expired;

    @BeforeClass
    public static void makeCertificates() throws Exception {
        right = keyStore("right", "ip:127.0.0.1", "-validity", "2");
        otherHost = keyStore("other", "dns:other.example", "-validity", "2");
        expired = keyStore("expired", "ip:127.0.0.1", "-startdate", "-9d", "-validity", "2");
    }

    private static KeyStore keyStore(String name, String subject, String... dates) throws Exception {
        File file = new File(FOLDER.getRoot(), name + ".p12");
        List<String> command = new ArrayList<>(Arrays.asList(
                System.getProperty("java.home") + "/bin/keytool", "-genkeypair", "-keystore", file.getPath(),
                "-storetype", "PKCS12", "-storepass", new String(PASSWORD), "-alias", "server", "-keyalg", "EC",
                "-dname", "CN=loopback", "-ext", "san=" + subject));
        command.addAll(Arrays.asList(dates));
        Process keytool = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(new File(FOLDER.getRoot(), "keytool.log"))
                .start();
        assertEquals("keytool", 0, keytool.waitFor());
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(file)) {
            store.load(in, PASSWORD);
        }
        return store;
    }

    private static LoopbackServer serverWith(KeyStore certificate) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(certificate, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return new LoopbackServer(context.getServerSocketFactory(), LoopbackServer.reply(200, Samples.COVID));
    }

    /** Stands in for a certificate that the phone knows. */
    private static void trust(KeyStore certificate) throws Exception {
        KeyStore anchors = KeyStore.getInstance("PKCS12");
        anchors.load(null, null);
        anchors.setCertificateEntry("server", certificate.getCertificate("server"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(anchors);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
    }

    @After
    public void trustAsUsual() {
        HttpsURLConnection.setDefaultSSLSocketFactory(USUAL);
    }

    private static ServiceClient client(LoopbackServer server) throws AddressException {
        return new ServiceClient(
                ServerAddress.parse("https://" + server.authority()), "", AMPLE, () -> true);
    }

    private static void assertRefusedForItsCertificate(LoopbackServer server) throws Exception {
        ServiceClient client = client(server);
        ServiceException refused = assertThrows(ServiceException.class, () -> client.predict(Samples.PICTURE));
        assertEquals(Failure.CERTIFICATE, refused.problem().failure());
        assertTrue("the picture was sent all the same", server.requests.isEmpty());
    }

    @Test
    public void aTrustedCertificateIsFine() throws Exception {
        trust(right);
        try (LoopbackServer server = serverWith(right)) {
            assertEquals(State.COVID, client(server).predict(Samples.PICTURE).state());
        }
    }

    @Test
    public void anUnknownCertificateIsNamed() throws Exception {
        try (LoopbackServer server = serverWith(right)) {
            assertRefusedForItsCertificate(server);
        }
    }

    @Test
    public void theCertificateOfAnotherHostIsNamed() throws Exception {
        trust(otherHost);
        try (LoopbackServer server = serverWith(otherHost)) {
            assertRefusedForItsCertificate(server);
        }
    }

    @Test
    public void anExpiredCertificateIsNamed() throws Exception {
        trust(right);
        try (LoopbackServer server = serverWith(expired)) {
            assertRefusedForItsCertificate(server);
        }
    }

    @Test
    public void aServerWithoutTlsIsAWrongAddress() throws Exception {
        // Speaks at once, as a web server does on receiving something that is not HTTP.
        try (ServerSocket plain = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            Thread thread = new Thread(() -> {
                try (Socket socket = plain.accept()) {
                    socket.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes());
                    socket.getInputStream().read(new byte[4096]);
                } catch (IOException callerLeft) {
                    // As it should.
                }
            });
            thread.start();
            ServiceClient client = new ServiceClient(
                    ServerAddress.parse("https://127.0.0.1:" + plain.getLocalPort()), "", AMPLE, () -> true);
            ServiceException failed = assertThrows(ServiceException.class, () -> client.predict(Samples.PICTURE));
            assertEquals(Failure.WRONG_ADDRESS, failed.problem().failure());
        }
    }
}
