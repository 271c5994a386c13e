"""First use on a site: what is checked, what is deployed, what a job would be."""
