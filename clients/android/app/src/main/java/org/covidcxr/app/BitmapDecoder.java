package org.covidcxr.app;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.Matrix;
import android.media.ExifInterface;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import org.covidcxr.app.client.Orientation;
import org.covidcxr.app.client.PictureSize;

/** Decodes pictures of any size without ever holding more pixels than needed. */
final class BitmapDecoder {
    private BitmapDecoder() {}

    /**
     * The picture, upright, with at most {@code side} pixels on its longest side.
     *
     * @return null if the bytes are not a picture that Android can read
     */
    static Bitmap decode(byte[] encoded, int side) {
        BitmapFactory.Options header = new BitmapFactory.Options();
        header.inJustDecodeBounds = true;
        BitmapFactory.decodeByteArray(encoded, 0, encoded.length, header);
        if (header.outWidth < 1 || header.outHeight < 1) {
            return null;
        }
        PictureSize full = new PictureSize(header.outWidth, header.outHeight);
        BitmapFactory.Options thinned = new BitmapFactory.Options();
        thinned.inSampleSize = full.sampleSize(side);
        Bitmap sampled = BitmapFactory.decodeByteArray(encoded, 0, encoded.length, thinned);
        if (sampled == null) {
            return null;
        }
        PictureSize target = full.within(side);
        Bitmap scaled = Bitmap.createScaledBitmap(sampled, target.width, target.height, true);
        return upright(scaled, orientation(encoded, header.outMimeType));
    }

    private static Orientation orientation(byte[] encoded, String mimeType) {
        // The decoder has turned these already, by the rotation in their container.
        if (mimeType != null && (mimeType.startsWith("image/hei") || mimeType.equals("image/avif"))) {
            return Orientation.UPRIGHT;
        }
        try {
            ExifInterface exif = new ExifInterface(new ByteArrayInputStream(encoded));
            return Orientation.fromExif(exif.getAttributeInt(ExifInterface.TAG_ORIENTATION, 1));
        } catch (IOException noExif) {
            return Orientation.UPRIGHT;
        }
    }

    private static Bitmap upright(Bitmap stored, Orientation orientation) {
        if (orientation == Orientation.UPRIGHT) {
            return stored;
        }
        Matrix turn = new Matrix();
        if (orientation.mirrored) {
            turn.postScale(-1, 1);
        }
        turn.postRotate(orientation.degrees);
        return Bitmap.createBitmap(stored, 0, 0, stored.getWidth(), stored.getHeight(), turn, true);
    }
}
