"""Addresses of curation's pages, below /p/<project>/."""

from django.urls import URLPattern, path

from curation.views import bench, bulk, charts, comments, datasets, keys, parts, review, saved_views, traces, uploads

app_name = "curation"
urlpatterns: list[URLPattern] = [
    path("traces/", traces.traces, name="traces"),
    path("traces/figures/", traces.figures, name="trace-figures"),
    path("traces/complete/", traces.complete, name="trace-complete"),
    path("traces/waiting/", traces.waiting, name="traces-waiting"),
    path("traces/count/", traces.hidden, name="trace-count"),
    path("traces/arrivals/", traces.arrivals, name="trace-arrivals"),
    path("traces/columns/", traces.columns, name="trace-columns"),
    path("traces/bulk/", bulk.bulk, name="trace-bulk"),
    path("traces/acts/", bulk.acts, name="trace-acts"),
    path("traces/acts/<uuid:uid>/stop/", bulk.act_stop, name="trace-act-stop"),
    path("traces/undo/", bulk.undo, name="trace-undo"),
    path("traces/views/", saved_views.save, name="view-save"),
    path("traces/views/<uuid:uid>/", saved_views.change, name="view-change"),
    path("traces/upload/", uploads.upload, name="upload"),
    path("traces/upload/results/", uploads.upload_results, name="upload-results"),
    path("traces/upload/<uuid:uid>/retry/", uploads.upload_retry, name="upload-retry"),
    path("traces/<uuid:uid>/", bench.trace, name="trace"),
    path("traces/<uuid:uid>/part/", parts.trace_part, name="trace-part"),
    path("traces/<uuid:uid>/find/", parts.trace_find, name="trace-find"),
    path("traces/<uuid:uid>/text/<int:conversation>/<int:message>", parts.trace_text, name="trace-text"),
    path("traces/<uuid:uid>/comments/", comments.trace_comments, name="trace-comments"),
    path("mentions/", comments.mentions, name="mentions"),
    path("mentions/<uuid:uid>/", comments.mention, name="mention"),
    path("people/", comments.people, name="people"),
    path("keys/", keys.review_keys, name="review-keys"),
    path("review/", review.review, name="review"),
    path("review/<slug:queue>/", review.review_next, name="review-next"),
    path("review/<slug:queue>/undo/", review.review_undo, name="review-undo"),
    path("review/<slug:queue>/<uuid:item>/", bench.review_item, name="review-item"),
    path("charts/", charts.charts, name="charts"),
    path("datasets/", datasets.datasets, name="datasets"),
    path("datasets/new/", datasets.dataset_new, name="dataset-new"),
    path("datasets/<slug:name>/", datasets.dataset, name="dataset"),
    path("datasets/<slug:name>/<int:number>/", datasets.dataset_version, name="dataset-version"),
    path("datasets/<slug:name>/<int:number>/rows/<int:position>/", datasets.dataset_row, name="dataset-row"),
    path("datasets/<slug:name>/<int:number>/decisions/", datasets.dataset_decisions, name="dataset-decisions"),
    path("datasets/<slug:name>/<int:number>/checks/", datasets.dataset_checks, name="dataset-checks"),
    path("datasets/<slug:name>/<int:number>/export/", datasets.dataset_export, name="dataset-export"),
]
