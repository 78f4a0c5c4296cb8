plugins {
    id("com.android.application")
}

android {
    namespace = "org.covidcxr.app"
    compileSdk = 34

    defaultConfig {
        applicationId = "org.covidcxr.app"
        minSdk = 26
        targetSdk = 34
        versionCode = 1
        versionName = "1.0.0"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    // The app depends on nothing, so the encrypted list of dependencies would only add bytes.
    dependenciesInfo {
        includeInApk = false
        includeInBundle = false
    }
}

dependencies {
    testImplementation("junit:junit:4.13.2")
    // Android's own org.json: in desktop tests the one in android.jar only throws.
    testImplementation("com.vaadin.external.google:android-json:0.0.20131108.vaadin1")
}
