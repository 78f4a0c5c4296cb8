package org.covidcxr.app.client;

import java.io.Serializable;
import org.json.JSONObject;

/** Which model answers. Texts may be empty, numbers NaN: the service decides how much it tells. */
public final class ModelFacts implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String name;
    private final String version;
    private final String backbone;
    private final double sensitivity;

    private ModelFacts(String name, String version, String backbone, double sensitivity) {
        this.name = name;
        this.version = version;
        this.backbone = backbone;
        this.sensitivity = sensitivity;
    }

    static ModelFacts of(JSONObject json) {
        return new ModelFacts(
                JsonFields.text(json, "name"),
                version(json),
                JsonFields.text(json, "backbone"),
                JsonFields.number(json, "sensitivity"));
    }

    /** Registries count versions, so a number is as likely as a text. */
    private static String version(JSONObject json) {
        Object value = json == null ? null : json.opt("version");
        return value instanceof String || value instanceof Number ? value.toString() : "";
    }

    public String name() {
        return name;
    }

    public String version() {
        return version;
    }

    public String backbone() {
        return backbone;
    }

    /** Share of COVID-19 cases that the model finds, 0 to 1, or NaN. */
    public double sensitivity() {
        return sensitivity;
    }

    /** For example {@code covid-cxr 7 (inceptionv3)}; empty if nothing is known. */
    public String summary() {
        String titled = (name + " " + version).trim();
        return backbone.isEmpty() ? titled : (titled + " (" + backbone + ")").trim();
    }
}
