{{/* Keys that were given although they have no meaning here, with the reason, as a YAML list. */}}
{{- define "gowhisk.ignored" -}}
{{- $found := list }}
{{- range $key, $why := dict
    "zookeeper" "there is none" "kafka" "there is none; the queue is part of the server" "db" "there is no CouchDB; db.persistence.size is used"
    "activationStoreBackend" "activations are in the data directory" "elasticsearch" "activations are in the data directory"
    "redis" "there is none" "apigw" "API gateway and server are one" "scheduler" "Knative schedules" "etcd" "there is none"
    "user_events" "see /metrics of the server" "prometheus" "bring your own; metrics.prometheusEnabled annotates the pod" "grafana" "bring your own"
    "providers" "feeds are part of the server" "utility" "there are no jobs" "busybox" "there are no jobs" "akka" "there is none" }}
{{- if hasKey $.Values $key }}{{ $found = append $found (printf "%s: %s" $key $why) }}{{ end }}
{{- end }}
{{- range $key, $why := dict
    "systemNameSpace" "it is whisk.system" "loadbalancer" "Knative balances" "kafka" "there is none" "containerPool" "the cluster bounds the memory of pods"
    "durationChecker" "there is none" "testing" "helm test runs one check" "versions" "the image of the server has one" }}
{{- if hasKey $.Values.whisk $key }}{{ $found = append $found (printf "whisk.%s: %s" $key $why) }}{{ end }}
{{- end }}
{{- range $part, $used := dict "controller" (list "loglevel" "replicaCount") "invoker" (list "containerFactory") "nginx" (list "httpsNodePort" "httpsPort") "metrics" (list "prometheusEnabled") "docker" (list "registry" "timezone") }}
{{- range $key, $_ := get $.Values $part | default dict }}
{{- if not (has $key $used) }}{{ $found = append $found (printf "%s.%s: it is of a part that is not here" $part $key) }}{{ end }}
{{- end }}
{{- end }}
{{- if gt (int ((.Values.controller).replicaCount | default 1)) 1 }}{{ $found = append $found "controller.replicaCount: one server has the data directory" }}{{ end }}
{{- $impl := include "gowhisk.factory" . }}
{{- if eq $impl "docker" }}{{ $found = append $found "invoker.containerFactory.impl: actions are Services of Knative" }}{{ end }}
{{- range $key, $_ := ((.Values.invoker).containerFactory) }}
{{- if not (has $key (list "impl" "enableConcurrency" "kubernetes")) }}{{ $found = append $found (printf "invoker.containerFactory.%s: the cluster's containers are used as they are" $key) }}{{ end }}
{{- end }}
{{- if hasKey .Values.k8s "dns" }}{{ $found = append $found "k8s.dns: pods have the cluster's" }}{{ end }}
{{- range $key := list "edgeNodeLabel" "providerNodeLabel" }}
{{- if hasKey $.Values.affinity $key }}{{ $found = append $found (printf "affinity.%s: there is no such part" $key) }}{{ end }}
{{- end }}
{{- range $key := list "edgeValue" "invokerValue" }}
{{- if hasKey $.Values.toleration $key }}{{ $found = append $found (printf "toleration.%s: pods of actions are Knative's to schedule" $key) }}{{ end }}
{{- end }}
{{- range $key := list "zookeeper" "kafka" "invoker" "elasticsearch" }}
{{- if hasKey $.Values.pdb $key }}{{ $found = append $found (printf "pdb.%s: there is no such part" $key) }}{{ end }}
{{- end }}
{{- range $key := list "zookeeper" "kafka" "scheduler" }}
{{- if hasKey $.Values.probes $key }}{{ $found = append $found (printf "probes.%s: there is no such part" $key) }}{{ end }}
{{- end }}
{{- if (.Values.whisk.ingress).awsSSL }}{{ $found = append $found "whisk.ingress.awsSSL: use whisk.ingress.annotations" }}{{ end }}
{{- toYaml $found }}
{{- end }}

{{/* The guides of OpenWhisk's time have it below whisk, too. */}}
{{- define "gowhisk.factory" -}}
{{- (((.Values.whisk).invoker).containerFactory).impl | default (((.Values.invoker).containerFactory).impl) | default "knative" }}
{{- end }}
