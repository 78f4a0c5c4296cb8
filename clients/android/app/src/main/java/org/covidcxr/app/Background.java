package org.covidcxr.app;

import android.os.Handler;
import android.os.Looper;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Threads for work that must not hold up the screen, and the way back to it. */
final class Background {
    private static final ExecutorService THREADS = Executors.newCachedThreadPool();
    private static final Handler SCREEN = new Handler(Looper.getMainLooper());

    private Background() {}

    static void run(Runnable work) {
        THREADS.execute(work);
    }

    static void onScreen(Runnable work) {
        SCREEN.post(work);
    }
}
