package org.covidcxr.app.client;

import org.junit.internal.TextListener;
import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;
import org.junit.runner.notification.Failure;
import org.junit.runner.notification.RunListener;

/** Runs the named test classes for test.sh. JUnit's own runner keeps quiet about skipped tests. */
public final class TestRun {
    private TestRun() {}

    private static final class Skips extends RunListener {
        private int count;

        @Override
        public void testAssumptionFailure(Failure skipped) {
            count++;
            System.out.println("\nskipped: " + skipped.getDescription().getDisplayName() + ": " + skipped.getMessage());
        }

        @Override
        public void testIgnored(Description ignored) {
            count++;
            System.out.println("\nignored: " + ignored.getDisplayName());
        }
    }

    public static void main(String[] classNames) throws ClassNotFoundException {
        Class<?>[] classes = new Class<?>[classNames.length];
        for (int i = 0; i < classNames.length; i++) {
            classes[i] = Class.forName(classNames[i]);
        }
        Skips skips = new Skips();
        JUnitCore junit = new JUnitCore();
        junit.addListener(new TextListener(System.out));
        junit.addListener(skips);
        Result result = junit.run(classes);
        // An assumption that fails in a test counts as run, an ignored test does not.
        System.out.printf("tests %d, failed %d, skipped %d%n",
                result.getRunCount(), result.getFailureCount(), skips.count);
        System.exit(result.wasSuccessful() && result.getRunCount() > skips.count ? 0 : 1);
    }
}
