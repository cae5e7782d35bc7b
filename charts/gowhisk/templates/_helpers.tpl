{{- define "gowhisk.name" -}}
{{- if contains "gowhisk" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-gowhisk" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "gowhisk.selector" -}}
app.kubernetes.io/name: gowhisk
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gowhisk.labels" -}}
{{ include "gowhisk.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The head of an object: name, namespace and labels. */}}
{{- define "gowhisk.metadata" -}}
name: {{ include "gowhisk.name" . }}
namespace: {{ .Release.Namespace }}
labels: {{- include "gowhisk.labels" . | nindent 2 }}
{{- end }}

{{- define "gowhisk.userNamespace" -}}
{{ .Values.knative.namespace | default .Release.Namespace }}
{{- end }}

{{/* Apart from those of other releases in the namespace of actions. */}}
{{- define "gowhisk.owner" -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Registry of all images that name none, as docker.registry.name of OpenWhisk's chart: with its slash. */}}
{{- define "gowhisk.registry" -}}
{{- with ((.Values.docker).registry).name }}{{ trimSuffix "/" . }}/{{ end }}
{{- end }}

{{- define "gowhisk.image" -}}
{{ include "gowhisk.registry" . }}{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* Name of the Secret with credentials for registries; empty for none. */}}
{{- define "gowhisk.credentials" -}}
{{- if .Values.knative.credentials }}{{ .Values.knative.credentials }}{{ else if (((.Values.docker).registry).username) }}{{ include "gowhisk.name" . }}-registry{{ end }}
{{- end }}

{{/* A key of OpenWhisk's chart that may be misplaced below whisk, where the guides of its time have it. */}}
{{- define "gowhisk.httpsNodePort" -}}
{{ ((.Values.whisk).nginx).httpsNodePort | default .Values.nginx.httpsNodePort | int }}
{{- end }}

{{- define "gowhisk.encrypts" -}}
{{- if and (eq .Values.whisk.ingress.apiHostProto "https") (ne .Values.whisk.ingress.type "Standard") }}true{{ end }}
{{- end }}
