/** The program gitlab-ci-local: it runs when it is loaded. @module */
import "npm:gitlab-ci-local@4.75.1";
