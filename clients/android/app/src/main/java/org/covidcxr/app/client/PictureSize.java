package org.covidcxr.app.client;

/** Width and height in pixels, and how to make them smaller. */
public final class PictureSize {
    public final int width;
    public final int height;

    public PictureSize(int width, int height) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException("a picture has at least 1 x 1 pixels, not " + width + " x " + height);
        }
        this.width = width;
        this.height = height;
    }

    /** The largest size of the same shape whose longest side is at most {@code side}; never larger than this one. */
    public PictureSize within(int side) {
        int longest = Math.max(width, height);
        if (longest <= side) {
            return this;
        }
        return new PictureSize(scaled(width, side, longest), scaled(height, side, longest));
    }

    private static int scaled(int length, int side, int longest) {
        return Math.max(1, (int) Math.round((double) length * side / longest));
    }

    /**
     * The largest power of two by which a decoder can thin this picture out and still leave {@code side} pixels on
     * its longest side: the finer rest of the scaling is left to a filter that averages.
     */
    public int sampleSize(int side) {
        int sample = 1;
        while (Math.max(width, height) / (sample * 2) >= side) {
            sample *= 2;
        }
        return sample;
    }
}
