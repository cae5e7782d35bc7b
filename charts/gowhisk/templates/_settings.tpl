{{/* Where pods of the cluster reach the API, without TLS. */}}
{{- define "gowhisk.innerURL" -}}
http://{{ include "gowhisk.name" . }}.{{ .Release.Namespace }}.svc.{{ .Values.k8s.domain }}:{{ .Values.service.port }}
{{- end }}

{{/* Where clients reach it; empty if nobody has said. */}}
{{- define "gowhisk.publicURL" -}}
{{- $i := .Values.whisk.ingress }}
{{- $port := int $i.apiHostPort }}
{{- $usual := ternary 443 80 (eq $i.apiHostProto "https") }}
{{- with $i.apiHostName | default (ternary $i.domain "" (eq $i.type "Standard")) }}
{{- $i.apiHostProto }}://{{ . }}{{ if ne $port $usual }}:{{ $port }}{{ end }}
{{- end }}
{{- end }}

{{/* 256m, 10 MB or 1048576 as gowhisk writes sizes. */}}
{{- define "gowhisk.size" -}}
{{- $s := regexReplaceAll "(?i)\\s*(b|bytes?)$" (. | toString | trim) "" | lower }}
{{- if regexMatch "^[0-9]+\\s*[kmg]i?$" $s }}{{ regexFind "^[0-9]+" $s }}{{ regexFind "[kmg]" $s | upper }}B
{{- else if regexMatch "^[0-9]+$" $s }}{{ $s }}B
{{- else }}{{ fail (printf "%q is not a size such as 256m" .) }}{{ end }}
{{- end }}

{{/* 100ms, 5m, "1 minute" or "30 seconds" as gowhisk writes durations. */}}
{{- define "gowhisk.duration" -}}
{{- $unit := regexFind "[a-zA-Z]+$" (toString .) | lower }}
{{- $short := get (dict "ms" "ms" "milli" "ms" "millis" "ms" "millisecond" "ms" "milliseconds" "ms" "s" "s" "second" "s" "seconds" "s" "m" "m" "minute" "m" "minutes" "m" "h" "h" "hour" "h" "hours" "h") $unit }}
{{- if not (and $short (regexMatch "^[0-9]+\\s*[a-zA-Z]+$" (toString .))) }}{{ fail (printf "%q is not a time such as 100ms or 5m" (toString .)) }}{{ end }}
{{- regexFind "^[0-9]+" (toString .) }}{{ $short }}
{{- end }}

{{/* A runtimes manifest as text; empty for the built-in one. */}}
{{- define "gowhisk.manifest" -}}
{{- $m := .Values.whisk.runtimes }}
{{- if kindIs "map" $m }}{{ toPrettyJson $m }}
{{- else if hasPrefix "{" (trim $m) }}{{ $m }}
{{- else if ne $m "runtimes.json" }}{{ .Files.Get $m | default (fail (printf "whisk.runtimes: the chart has no file %q: give the manifest itself, --set-file whisk.runtimes=%s" $m $m)) }}
{{- end }}
{{- end }}

{{/* Image by kind, as YAML: those of the manifest, and over them runtimes. */}}
{{- define "gowhisk.images" -}}
{{- $images := dict }}
{{- with include "gowhisk.manifest" . }}
{{- range $family, $kinds := (fromJson .).runtimes }}
{{- range $kinds }}
{{- if .image }}
{{- $_ := set $images .kind (printf "%s%s/%s:%s" (include "gowhisk.registry" $) .image.prefix .image.name (.image.tag | default "latest")) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $kind, $image := .Values.runtimes }}
{{- if $image }}{{ $_ := set $images $kind $image }}{{ end }}
{{- end }}
{{- if not $images }}
{{- $images = dict "nodejs:20" "dev.local/gowhisk-nodejs:20" "python:3.11" "dev.local/gowhisk-python:3.11" }}
{{- end }}
{{- toYaml $images }}
{{- end }}

{{- define "gowhisk.limits" -}}
{{- $l := .Values.whisk.limits }}
{{- $a := $l.actions }}
{{- $concurrent := ((.Values.invoker).containerFactory).enableConcurrency }}
{{- if not (kindIs "bool" $concurrent) }}{{ $concurrent = true }}{{ end }}
invocationsPerMinute: {{ int $l.actionsInvokesPerminute }}
concurrentInvocations: {{ int $l.actionsInvokesConcurrent }}
firesPerMinute: {{ int $l.triggersFiresPerminute }}
sequenceLength: {{ int $l.actionsSequenceMaxlength }}
payload: {{ include "gowhisk.size" (ternary (int64 $l.activation.payload.max) $l.activation.payload.max (not (kindIs "string" $l.activation.payload.max))) }}
actions:
  time:
    min: {{ include "gowhisk.duration" $a.time.min }}
    max: {{ include "gowhisk.duration" $a.time.max }}
    default: {{ include "gowhisk.duration" $a.time.std }}
  memory:
    min: {{ include "gowhisk.size" $a.memory.min }}
    max: {{ include "gowhisk.size" $a.memory.max }}
    default: {{ include "gowhisk.size" $a.memory.std }}
  logs:
    min: {{ include "gowhisk.size" $a.log.min }}
    max: {{ include "gowhisk.size" $a.log.max }}
    default: {{ include "gowhisk.size" $a.log.std }}
  concurrency:
    min: {{ int $a.concurrency.min }}
    max: {{ ternary (int $a.concurrency.max) 1 $concurrent }}
    default: {{ ternary (int $a.concurrency.std) 1 $concurrent }}
{{- end }}

{{/* The settings file of the server. */}}
{{- define "gowhisk.settings" -}}
{{- $public := include "gowhisk.publicURL" . }}
{{- $s := dict "listen" "0.0.0.0:3233" "dataDir" "/data/gowhisk" "json" true "backend" "knative" }}
{{- $_ := set $s "apiHost" (include "gowhisk.innerURL" .) }}
{{- if $public }}
{{- $_ := set $s "publicURL" $public }}
{{- if .Values.whisk.ingress.useInternally }}{{ $_ := set $s "apiHost" $public }}{{ end }}
{{- end }}
{{- with (.Values.controller).loglevel }}{{ $_ := set $s "logLevel" (lower . | replace "warning" "warn") }}{{ end }}
{{- $k := dict "namespace" (include "gowhisk.userNamespace" .) "owner" (include "gowhisk.owner" .) "registry" .Values.knative.registry "anchor" (include "gowhisk.name" .) }}
{{- $_ := set $k "images" (include "gowhisk.images" . | fromYaml) }}
{{- with include "gowhisk.credentials" . }}{{ $_ := set $k "pullSecret" . }}{{ end }}
{{- $_ := set $s "knative" $k }}
{{- $_ := set $s "limits" (include "gowhisk.limits" . | fromYaml) }}
{{- $_ := set $s "bootstrap" (dict "keys" "random") }}
{{- if include "gowhisk.encrypts" . }}
{{- $t := dict "listen" "0.0.0.0:3443" }}
{{- if .Values.tls.secret }}
{{- $_ := set $t "cert" "/etc/gowhisk-tls/tls.crt" }}
{{- $_ := set $t "key" "/etc/gowhisk-tls/tls.key" }}
{{- else }}
{{- $_ := set $t "selfSigned" true }}
{{- end }}
{{- $_ := set $s "tls" $t }}
{{- end }}
{{- if include "gowhisk.manifest" . }}{{ $_ := set $s "runtimes" "/etc/gowhisk/runtimes.json" }}{{ end }}
{{- mustMergeOverwrite $s (deepCopy .Values.settings) | toYaml }}
{{- end }}

{{/* Names of the server's own certificate, beside the address of the node. */}}
{{- define "gowhisk.tlsNames" -}}
{{- $service := include "gowhisk.name" . }}
{{- $names := list $service (printf "%s.%s" $service .Release.Namespace) (printf "%s.%s.svc" $service .Release.Namespace) (printf "%s.%s.svc.%s" $service .Release.Namespace .Values.k8s.domain) }}
{{- with .Values.whisk.ingress.apiHostName }}{{ $names = append $names . }}{{ end }}
{{- concat $names .Values.tls.names | uniq | join "," }}
{{- end }}

{{/* Kind of the action of helm test. */}}
{{- define "gowhisk.smokeKind" -}}
{{- $found := .Values.smoke.kind }}
{{- range $kind, $_ := include "gowhisk.images" . | fromYaml }}
{{- if and (not $found) (regexMatch "^(nodejs|python|php|ruby):" $kind) }}{{ $found = $kind }}{{ end }}
{{- end }}
{{- $found }}
{{- end }}
