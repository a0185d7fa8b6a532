-- A label selector as the LabelSelector that means the same.
SELECT k8s_selector(%(selector)s) AS selector;
