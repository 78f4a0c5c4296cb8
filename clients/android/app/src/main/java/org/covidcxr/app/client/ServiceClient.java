package org.covidcxr.app.client;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import org.json.JSONObject;

/** Talks to one service. One instance serves one task: once cancelled it stays so. */
public final class ServiceClient {
    private static final int OK = 200;
    /** Enough for a sentence; whatever a stranger's server sends beyond that does not belong on the screen. */
    private static final int MAX_MESSAGE_CHARS = 300;

    /** Whether this device is connected to any network at all. */
    public interface Connectivity {
        boolean isOnline();
    }

    private final HttpTransport transport;
    private final Connectivity connectivity;

    public ServiceClient(ServerAddress address, String apiKey, Timeouts timeouts, Connectivity connectivity) {
        this.transport = new HttpTransport(address, apiKey, timeouts);
        this.connectivity = connectivity;
    }

    /**
     * Asks about one picture, with a heat map.
     *
     * @param picture an encoded picture, for example a JPEG
     * @throws CancellationException after {@link #cancel()}
     */
    public Answer predict(byte[] picture) throws ServiceException {
        return AnswerParser.parse(exchange(HttpRequest.predict(picture, true)));
    }

    /**
     * Asks whether the service is ready, and which model it serves.
     *
     * @throws CancellationException after {@link #cancel()}
     */
    public ModelFacts testConnection() throws ServiceException {
        exchange(HttpRequest.get("readyz"));
        JSONObject model = JsonFields.object(exchange(HttpRequest.get("model")));
        if (model == null) {
            // Many a web server answers any path with a page; only ours has facts about a model.
            throw new ServiceException(Failure.BROKEN_ANSWER);
        }
        return ModelFacts.of(model);
    }

    /** Breaks off the task and waits until it is. From any thread but the UI's. */
    public void cancel() {
        transport.cancel();
    }

    private String exchange(HttpRequest request) throws ServiceException {
        HttpReply reply;
        try {
            reply = RetryOnce.onDrop(() -> transport.send(request));
        } catch (IOException error) {
            if (transport.isCancelled()) {
                throw new CancellationException();
            }
            throw new ServiceException(NetworkFailures.of(error, connectivity.isOnline()));
        } catch (RuntimeException error) {
            // A connection that is closed under the platform's hands can trip it in any way.
            if (transport.isCancelled()) {
                throw new CancellationException();
            }
            throw error;
        }
        if (reply.status != OK) {
            Notice error = AnswerParser.error(reply.text);
            Failure failure = StatusFailures.of(reply.status, error == null ? "" : error.code());
            throw new ServiceException(new Problem(failure, message(error), reply.retryAfterS));
        }
        return reply.text;
    }

    private static String message(Notice error) {
        String message = error == null ? "" : error.message().trim();
        return message.length() <= MAX_MESSAGE_CHARS ? message : message.substring(0, MAX_MESSAGE_CHARS) + "…";
    }
}
