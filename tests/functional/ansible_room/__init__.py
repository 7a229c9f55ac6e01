"""The room that runs Ansible, through real ansible-playbook on small playbooks of the tests' own."""
