{{- define "cxr.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "cxr.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: service
{{- end }}

{{- define "cxr.labels" -}}
{{ include "cxr.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "cxr.mlflowSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: mlflow
{{- end }}

{{- define "cxr.trackingUri" -}}
{{- if .Values.model.trackingUri -}}
{{ .Values.model.trackingUri }}
{{- else if .Values.mlflow.enabled -}}
http://{{ include "cxr.name" . }}-mlflow:5000
{{- else -}}
{{ fail "model.source registry needs model.trackingUri, the address of MLflow, or mlflow.enabled" }}
{{- end -}}
{{- end }}

{{- define "cxr.confined" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: {{ .Values.readOnlyRootFilesystem }}
{{- end }}
