package org.covidcxr.app.client;

/** What EXIF's orientation tag asks a viewer to do with the stored pixels; in the order of its values, 1 to 8. */
public enum Orientation {
    UPRIGHT(0, false),
    MIRRORED(0, true),
    HALF_TURN(180, false),
    HALF_TURN_MIRRORED(180, true),
    THREE_QUARTER_TURN_MIRRORED(270, true),
    QUARTER_TURN(90, false),
    QUARTER_TURN_MIRRORED(90, true),
    THREE_QUARTER_TURN(270, false);

    /** To turn clockwise, after the mirroring. */
    public final int degrees;
    /** To swap left and right first. */
    public final boolean mirrored;

    Orientation(int degrees, boolean mirrored) {
        this.degrees = degrees;
        this.mirrored = mirrored;
    }

    /** Anything but 1 to 8 counts as upright: many programs write 0. */
    public static Orientation fromExif(int tag) {
        return tag >= 1 && tag <= values().length ? values()[tag - 1] : UPRIGHT;
    }
}
