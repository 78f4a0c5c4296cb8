package org.covidcxr.app.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** Reads streams whose length nobody promised. */
public final class Bytes {
    private static final int CHUNK_BYTES = 16 * 1024;

    private Bytes() {}

    /** More came than was allowed. */
    public static final class TooManyException extends IOException {
        private static final long serialVersionUID = 1L;

        TooManyException(int limit) {
            super("more than " + limit + " bytes");
        }
    }

    /** @throws TooManyException as soon as the stream exceeds {@code limit} bytes */
    public static byte[] readAll(InputStream in, int limit) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream(CHUNK_BYTES);
        byte[] chunk = new byte[CHUNK_BYTES];
        for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
            if (all.size() + n > limit) {
                throw new TooManyException(limit);
            }
            all.write(chunk, 0, n);
        }
        return all.toByteArray();
    }
}
