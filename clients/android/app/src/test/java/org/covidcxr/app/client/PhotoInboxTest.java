package org.covidcxr.app.client;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertNull;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import org.junit.Test;

public class PhotoInboxTest {
    private static final byte[] PHOTO = {1, 2, 3};
    private final PhotoInbox inbox = new PhotoInbox();

    private void deliver(String id, byte... photo) {
        inbox.announce(id);
        inbox.receive(id, new ByteArrayInputStream(photo));
    }

    @Test
    public void aPhotoIsHandedOutOnce() throws Exception {
        deliver("a", PHOTO);
        assertArrayEquals(PHOTO, inbox.take("a", 1000));
        assertNull(inbox.take("a", 1000));
    }

    @Test
    public void takingWaitsForADeliveryThatIsUnderWay() throws Exception {
        PipedOutputStream camera = new PipedOutputStream();
        InputStream pipe = new PipedInputStream(camera);
        inbox.announce("a");
        new Thread(() -> inbox.receive("a", pipe)).start();
        new Thread(() -> {
            try {
                Thread.sleep(100);
                camera.write(PHOTO);
                camera.close();
            } catch (IOException | InterruptedException broken) {
                throw new IllegalStateException(broken);
            }
        }).start();
        assertArrayEquals(PHOTO, inbox.take("a", 10_000));
    }

    @Test
    public void aDeliveryThatNeverEndsIsNotWaitedForForever() throws Exception {
        inbox.announce("a");
        assertNull(inbox.take("a", 50));
    }

    @Test
    public void nothingDeliveredIsNothingTaken() throws Exception {
        assertNull(inbox.take("a", 1000));
    }

    @Test
    public void aCameraThatOpensTwiceAndWritesOnceIsFine() throws Exception {
        deliver("a", PHOTO);
        deliver("a");
        assertArrayEquals(PHOTO, inbox.take("a", 1000));
    }

    @Test
    public void theNextPhotoReplacesTheOneBefore() throws Exception {
        deliver("a", PHOTO);
        deliver("b", (byte) 9);
        assertNull(inbox.take("a", 1000));
        assertArrayEquals(new byte[] {9}, inbox.take("b", 1000));
    }

    @Test
    public void aLateDeliveryIsNotTakenForTheNextPhoto() throws Exception {
        inbox.announce("a");
        deliver("b", (byte) 9);
        inbox.receive("a", new ByteArrayInputStream(PHOTO));
        assertArrayEquals(new byte[] {9}, inbox.take("b", 1000));
    }

    @Test
    public void aPipeThatBreaksDeliversNothing() throws Exception {
        inbox.announce("a");
        inbox.receive("a", new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("the camera died");
            }
        });
        assertNull(inbox.take("a", 1000));
    }
}
