package org.covidcxr.app.client;

import java.io.IOException;
import java.io.InputStream;

/**
 * Where the camera's photo arrives: in memory, the latest one only, until it is taken.
 *
 * <p>The camera returns to the app before the last of its bytes has come through the pipe, hence the waiting.
 */
public final class PhotoInbox {
    /** A camera of 200 megapixels stays below. */
    static final int MAX_PHOTO_BYTES = 64 * 1024 * 1024;

    private String id = "";
    private byte[] photo;
    private int arriving;

    /** Announces a delivery, which {@link #receive} must follow. A new id discards the photo of an older one. */
    public synchronized void announce(String photoId) {
        if (!photoId.equals(id)) {
            id = photoId;
            photo = null;
            arriving = 0;
        }
        arriving++;
    }

    /** Reads one delivery to its end. A broken or empty one leaves an earlier one of the same id in place. */
    public void receive(String photoId, InputStream in) {
        byte[] bytes;
        try {
            bytes = Bytes.readAll(in, MAX_PHOTO_BYTES);
        } catch (IOException broken) {
            bytes = new byte[0];
        }
        settle(photoId, bytes);
    }

    private synchronized void settle(String photoId, byte[] bytes) {
        if (!photoId.equals(id)) {
            return;
        }
        if (bytes.length > 0) {
            photo = bytes;
        }
        arriving--;
        notifyAll();
    }

    /** Hands the photo out once, waiting for a delivery that is under way; null if none has come. */
    public synchronized byte[] take(String photoId, long timeoutMs) throws InterruptedException {
        long deadline = System.nanoTime() + timeoutMs * 1_000_000;
        while (photoId.equals(id) && arriving > 0) {
            long leftMs = (deadline - System.nanoTime()) / 1_000_000;
            if (leftMs <= 0) {
                break;
            }
            wait(leftMs);
        }
        if (!photoId.equals(id)) {
            return null;
        }
        byte[] taken = photo;
        photo = null;
        return taken;
    }
}
