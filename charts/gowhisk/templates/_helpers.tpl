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

{{/* Where pods of the cluster reach the API, without TLS. */}}
{{- define "gowhisk.innerURL" -}}
http://{{ include "gowhisk.name" . }}.{{ .Release.Namespace }}.svc.{{ .Values.k8s.domain }}:{{ .Values.service.port }}
{{- end }}

{{- define "gowhisk.userNamespace" -}}
{{ .Values.knative.namespace | default .Release.Namespace }}
{{- end }}

{{/* Apart from those of other releases in the namespace. */}}
{{- define "gowhisk.owner" -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "gowhisk.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}
