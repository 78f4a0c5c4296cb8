package org.covidcxr.app;

import android.content.ContentResolver;
import android.content.Context;
import android.graphics.Bitmap;
import android.net.Uri;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import org.covidcxr.app.client.Bytes;
import org.covidcxr.app.client.Failure;

/** Fetches a picture and brings it into the form in which it is sent. Slow: not for the UI thread. */
final class PictureReader {
    private static final int MAX_SOURCE_BYTES = 64 * 1024 * 1024;
    private static final int PHOTO_TIMEOUT_MS = 10_000;

    private final ContentResolver resolver;

    PictureReader(Context context) {
        resolver = context.getContentResolver();
    }

    /** An upright JPEG with at most 1024 pixels on its longest side. */
    byte[] read(Uri source) throws PictureException {
        byte[] encoded = PhotoProvider.owns(source) ? takePhoto(source) : load(source);
        Bitmap bitmap = BitmapDecoder.decode(encoded, BudgetEncoder.PICTURE.side());
        if (bitmap == null) {
            throw new PictureException(Failure.NOT_A_PICTURE);
        }
        return BudgetEncoder.PICTURE.encode(bitmap);
    }

    private static byte[] takePhoto(Uri source) throws PictureException {
        try {
            byte[] photo = PhotoProvider.take(source, PHOTO_TIMEOUT_MS);
            if (photo != null) {
                return photo;
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        throw new PictureException(Failure.NO_PHOTO);
    }

    private byte[] load(Uri source) throws PictureException {
        // A file: address in a shared intent would be opened with this app's own rights.
        if (!ContentResolver.SCHEME_CONTENT.equals(source.getScheme())) {
            throw new PictureException(Failure.UNREADABLE_PICTURE);
        }
        try (InputStream in = resolver.openInputStream(source)) {
            if (in == null) {
                throw new FileNotFoundException(source.toString());
            }
            return Bytes.readAll(in, MAX_SOURCE_BYTES);
        } catch (Bytes.TooManyException large) {
            throw new PictureException(Failure.TOO_LARGE);
        } catch (IOException | RuntimeException unreadable) {
            // Another app's provider can throw anything; a permission that has run out is a SecurityException.
            throw new PictureException(Failure.UNREADABLE_PICTURE);
        }
    }
}
