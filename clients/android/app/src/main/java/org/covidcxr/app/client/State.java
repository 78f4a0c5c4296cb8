package org.covidcxr.app.client;

/** What the service made of a picture; spelt on the wire as {@link #wire()} says. */
public enum State {
    COVID("COVID"),
    NON_COVID("NonCOVID"),
    REFUSED("Refused");

    private final String wire;

    State(String wire) {
        this.wire = wire;
    }

    public String wire() {
        return wire;
    }

    /** Null for a state that this app does not know. */
    static State fromWire(String wire) {
        for (State state : values()) {
            if (state.wire.equals(wire)) {
                return state;
            }
        }
        return null;
    }
}
