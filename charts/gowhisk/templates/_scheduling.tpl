{{/* Rather on a node of the core, rather not on one of invokers; on any other if need be. */}}
{{- define "gowhisk.scheduling" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .Values.affinity.enabled }}
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        preference:
          matchExpressions:
            - {key: openwhisk-role, operator: NotIn, values: [{{ .Values.affinity.invokerNodeLabel }}]}
      - weight: 80
        preference:
          matchExpressions:
            - {key: openwhisk-role, operator: In, values: [{{ .Values.affinity.coreNodeLabel }}]}
{{- end }}
{{- if .Values.toleration.enabled }}
tolerations:
  - {key: openwhisk-role, operator: Equal, value: {{ .Values.toleration.coreValue }}, effect: NoSchedule}
{{- end }}
{{- end }}
