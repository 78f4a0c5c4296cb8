package org.covidcxr.app.client;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public class TextIdsTest {
    @Test
    public void idsBecomeResourceNames() {
        assertEquals("state_noncovid", TextIds.resourceName(TextIds.of(State.NON_COVID)));
        assertEquals("warning_near_threshold",
                TextIds.resourceName(TextIds.ofWarning(new Notice("near_threshold", ""))));
        assertEquals("triage_uncertain", TextIds.resourceName(TextIds.ofTriage("uncertain")));
        assertEquals("refusal_ct", TextIds.resourceName(TextIds.ofRefusal(new Notice("ct", ""))));
        assertEquals("error_no_network", TextIds.resourceName(Failure.NO_NETWORK.textId()));
    }

    @Test
    public void aCodeCanNotReachOutsideOfItsNames() {
        assertEquals("warning_x_string_y", TextIds.resourceName(TextIds.ofWarning(new Notice("x:string/Y", ""))));
    }
}
