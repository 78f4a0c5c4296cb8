#!/bin/sh
# Tests everything but the screens, on a desktop Java and without Gradle.
#
# Needs Debian's junit4 libhamcrest-java libandroid-json-java openjdk-17-jdk-headless; other systems name their
# jars in JUNIT_CLASSPATH (JUnit 4, Hamcrest, Android's org.json). For the tests against a real service see
# RealServiceTest.java. Exit status 0 when nothing failed.
set -eu
cd "$(dirname "$0")"

jars=/usr/share/java
classpath=${JUNIT_CLASSPATH:-$jars/junit4.jar:$jars/hamcrest-core.jar:$jars/com.android.json.jar}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

# Only the package that knows no android.*: if it ever imports some, this fails to compile.
logic=$(find app/src/main/java/org/covidcxr/app/client -name '*.java')
tests=$(find app/src/test/java -name '*.java')
# shellcheck disable=SC2086  # the paths of this project hold no spaces
javac --release 8 -Xlint:all,-options -Werror -encoding UTF-8 -cp "$classpath" -d "$build/logic" $logic
# shellcheck disable=SC2086
javac --release 8 -Xlint:all,-options -Werror -encoding UTF-8 -cp "$build/logic:$classpath" -d "$build/tests" $tests

classes=$(find app/src/test/java -name '*Test.java' | sed 's|^app/src/test/java/||; s|\.java$||; s|/|.|g' | sort)
# shellcheck disable=SC2086
java -cp "$build/tests:$build/logic:$classpath" org.covidcxr.app.client.TestRun $classes
