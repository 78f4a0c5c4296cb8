package org.covidcxr.app.client;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ServerSocketFactory;

/**
 * A server that does as told, one deed per connection.
 *
 * <p>By hand, because the JDK's own HttpServer can neither drop a connection nor be compiled against by Gradle's
 * Android unit tests, whose class path is Android's.
 */
final class LoopbackServer implements Closeable {
    /** What to do with one connection after its request was read. */
    interface Deed {
        void perform(Socket socket) throws IOException;
    }

    static final class Request {
        final String method;
        final String path;
        final Map<String, String> headers;
        final byte[] body;

        Request(String requestLine, Map<String, String> headers, byte[] body) {
            String[] parts = requestLine.split(" ");
            method = parts[0];
            path = parts[1];
            this.headers = headers;
            this.body = body;
        }
    }

    final List<Request> requests = new CopyOnWriteArrayList<>();
    private final BlockingQueue<Request> arrivals = new LinkedBlockingQueue<>();
    private final ServerSocket listening;
    private final Queue<Deed> deeds;

    LoopbackServer(ServerSocketFactory sockets, Deed... deeds) throws IOException {
        this.listening = sockets.createServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        this.deeds = new ArrayDeque<>(Arrays.asList(deeds));
        Thread thread = new Thread(this::serve, "loopback server");
        thread.setDaemon(true);
        thread.start();
    }

    LoopbackServer(Deed... deeds) throws IOException {
        this(ServerSocketFactory.getDefault(), deeds);
    }

    static Deed reply(int status, String body, String... headers) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        return socket -> {
            StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " X\r\nConnection: close\r\n");
            head.append("Content-Length: ").append(bytes.length).append("\r\n");
            for (String header : headers) {
                head.append(header).append("\r\n");
            }
            OutputStream out = socket.getOutputStream();
            out.write(head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
            out.write(bytes);
            out.flush();
        };
    }

    /** Hangs up without a word. */
    static Deed drop() {
        return socket -> { };
    }

    /** Promises more bytes than it sends. */
    static Deed breakOff() {
        return socket -> socket.getOutputStream().write(
                "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"state\"".getBytes(StandardCharsets.US_ASCII));
    }

    /** Keeps the caller waiting until it hangs up. */
    static Deed silence() {
        return socket -> {
            while (socket.getInputStream().read() >= 0) {
                // The caller has nothing more to say; only its hanging up ends this.
            }
        };
    }

    String authority() {
        return "127.0.0.1:" + listening.getLocalPort();
    }

    Request awaitRequest() throws InterruptedException {
        Request request = arrivals.poll(10, TimeUnit.SECONDS);
        if (request == null) {
            throw new AssertionError("no request came");
        }
        return request;
    }

    private void serve() {
        while (!listening.isClosed()) {
            try (Socket socket = listening.accept()) {
                Request request = read(socket.getInputStream());
                requests.add(request);
                arrivals.add(request);
                Deed deed = deeds.poll();
                if (deed != null) {
                    deed.perform(socket);
                }
            } catch (IOException callerLeft) {
                // Some callers hang up on purpose, for example over a certificate.
            }
        }
    }

    private static Request read(InputStream in) throws IOException {
        String requestLine = readLine(in);
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (String line = readLine(in); !line.isEmpty(); line = readLine(in)) {
            int colon = line.indexOf(':');
            headers.put(line.substring(0, colon), line.substring(colon + 1).trim());
        }
        int length = Integer.parseInt(headers.getOrDefault("Content-Length", "0"));
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (int i = 0; i < length; i++) {
            body.write(in.read());
        }
        return new Request(requestLine, headers, body.toByteArray());
    }

    private static String readLine(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("the caller hung up");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
